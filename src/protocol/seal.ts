// Authenticated encryption of what a client carries for us (AES-256-GCM): it can neither read nor change it.
//
// Does not check: age, principal or purpose. Whoever opens a seal compares what is inside (input-required.ts).

import { base64url } from 'jose';

export interface Sealer {
  seal(value: object): Promise<string>;
  /** What was sealed with the same secret, or `undefined` for anything else. */
  open(sealed: string): Promise<unknown>;
}

const IV_BYTES = 12;

export function createSealer(secret: string): Sealer {
  let key: CryptoKey | undefined;

  async function keyOnce(): Promise<CryptoKey> {
    // Hashing gives the length AES wants; the secret itself is long and random (config.ts).
    const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`request state\n${secret}`));
    key ??= await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
    return key;
  }

  return {
    async seal(value) {
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      const text = new TextEncoder().encode(JSON.stringify(value));
      const sealed = new Uint8Array(
        await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key ?? (await keyOnce()), text),
      );
      const whole = new Uint8Array(IV_BYTES + sealed.byteLength);
      whole.set(iv);
      whole.set(sealed, IV_BYTES);
      return base64url.encode(whole);
    },

    async open(sealed) {
      try {
        const whole = base64url.decode(sealed);
        const parameters = { name: 'AES-GCM', iv: whole.subarray(0, IV_BYTES) };
        const text = await crypto.subtle.decrypt(
          parameters,
          key ?? (await keyOnce()),
          whole.subarray(IV_BYTES),
        );
        return JSON.parse(new TextDecoder().decode(text));
      } catch {
        return undefined;
      }
    },
  };
}
