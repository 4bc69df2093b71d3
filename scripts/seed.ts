// The reports that local development starts with.

export const REPORTS = [
  {
    id: '2026-q1',
    title: 'First quarter 2026',
    body: 'Revenue grew by 4 percent. The new warehouse opened in March and was full by April.',
  },
  {
    id: '2026-q2',
    title: 'Second quarter 2026',
    body: 'Revenue grew by 7 percent. Returns fell after the size charts were corrected.',
  },
  {
    id: '2026-q3',
    title: 'Third quarter 2026',
    body: 'Revenue was flat. Shipping costs rose by a fifth; a second carrier was signed in September.',
  },
] as const;
