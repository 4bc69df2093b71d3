import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Walks start workerd and an authorization server, and a shared machine can be slow.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Miniflare asks the internet what request.cf would look like here; nothing of ours looks at it.
    env: { CLOUDFLARE_CF_FETCH_ENABLED: 'false' },
  },
});
