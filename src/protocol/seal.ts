// Authenticated encryption of what a client carries for us (AES-256-GCM): it can neither read nor change it.
//
// A seal is bound to its purpose and to RESOURCE: two deployments with the same secret do not open each other's, or an
// approval that was given at staging would count in production.
// Does not check: age or principal. Whoever opens a seal compares what is inside (input-required.ts).

import { base64url } from 'jose';

export interface Sealer {
  seal(value: object): Promise<string>;
  /** What was sealed for the same resource with the secret or the one before, or `undefined` for anything else. */
  open(sealed: string): Promise<unknown>;
}

const IV_BYTES = 12;
const PURPOSE = 'request state';
const encoder = new TextEncoder();

/** Seals with `secret`, and opens what `previous` sealed as well: so a secret can be replaced while answers are out. */
export function createSealer(resource: string, secret: string, previous?: string): Sealer {
  const additionalData = encoder.encode(`${PURPOSE}\n${resource}`);
  const keyOnce = keyOf(secret);
  const keys = previous === undefined ? [keyOnce] : [keyOnce, keyOf(previous)];

  return {
    async seal(value) {
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      const text = encoder.encode(JSON.stringify(value));
      const sealed = new Uint8Array(
        await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData }, await keyOnce(), text),
      );
      const whole = new Uint8Array(IV_BYTES + sealed.byteLength);
      whole.set(iv);
      whole.set(sealed, IV_BYTES);
      return base64url.encode(whole);
    },

    async open(sealed) {
      for (const key of keys) {
        try {
          const whole = base64url.decode(sealed);
          const parameters = { name: 'AES-GCM', iv: whole.subarray(0, IV_BYTES), additionalData };
          const text = await crypto.subtle.decrypt(parameters, await key(), whole.subarray(IV_BYTES));
          return JSON.parse(new TextDecoder().decode(text));
        } catch {
          // Of the other secret, or of nobody.
        }
      }
      return undefined;
    },
  };
}

/** Made when it is needed first, and once. */
function keyOf(secret: string): () => Promise<CryptoKey> {
  let key: CryptoKey | undefined;
  return async () => {
    if (key) return key;
    // Hashing gives the length AES wants; the secret itself is long and random (config.ts).
    const bytes = await crypto.subtle.digest('SHA-256', encoder.encode(`${PURPOSE}\n${secret}`));
    key ??= await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
    return key;
  };
}
