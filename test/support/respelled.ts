// One good token, and spellings of it that a lenient decoder would take for it: each signed as it is written.

import type { TestIssuer } from './issuer.ts';

const plainOf = (part: string): string => part.replaceAll('-', '+').replaceAll('_', '/');
const padded = (part: string): string => part + '='.repeat((4 - (part.length % 4)) % 4);

export interface Spellings {
  readonly good: string;
  readonly signaturePadded: string;
  readonly signaturePlain: string;
  readonly headerPadded: string;
  readonly payloadPadded: string;
  /** Header and payload in plain base64, with + and / in both. */
  readonly plain: string;
}

/** For an issuer that signs with ES256. Whatever is not in it is as it has to be. */
export async function respelled(issuer: TestIssuer): Promise<Spellings> {
  const { privateKey } = issuer.key;
  const sign = async (signed: string): Promise<string> => {
    const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
    const signature = await crypto.subtle.sign(algorithm, privateKey, new TextEncoder().encode(signed));
    return `${signed}.${Buffer.from(signature).toString('base64url')}`;
  };
  // Until it has what base64 writes with + and /, and lengths that have to be padded.
  for (let times = 0; ; times += 1) {
    const [odd, more] = ['x'.repeat(times % 3), 'x'.repeat((times / 3) % 3)].map(
      (text) => `${text}~~~???>>>`,
    );
    const good = await issuer.sign({ header: { odd }, claims: { odd: more } });
    const [header = '', payload = '', signature = ''] = good.split('.');
    const isOdd = [header, payload].every((part) => /-/.test(part) && /_/.test(part) && part.length % 4 > 0);
    if (!isOdd || !/[-_]/.test(signature)) continue;
    return {
      good,
      signaturePadded: `${header}.${payload}.${padded(signature)}`,
      signaturePlain: `${header}.${payload}.${plainOf(signature)}`,
      headerPadded: await sign(`${padded(header)}.${payload}`),
      payloadPadded: await sign(`${header}.${padded(payload)}`),
      plain: await sign(`${plainOf(header)}.${plainOf(payload)}`),
    };
  }
}
