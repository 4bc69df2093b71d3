// Subjects in the audit: as they are, or pseudonyms that only whoever has the secret can make.

import { createHmac } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { auditNames, auditSubject, type SubjectConfig } from '../../src/audit/subject.ts';

const SECRET = 'a secret for tests that is long enough';
const ANN = { issuer: 'https://issuer.example', subject: 'ann' };
const hashed = (auditSecret: string | undefined = SECRET): SubjectConfig => ({
  auditSubjects: 'hashed',
  auditSecret,
});

test('a plain subject is itself, at once', () => {
  expect(auditSubject(ANN, { auditSubjects: 'plain', auditSecret: SECRET })).toBe('ann');
});

test('a pseudonym is the first half of an HMAC of issuer and subject', async () => {
  const hex = createHmac('sha256', SECRET).update('https://issuer.example\0ann').digest('hex');
  expect(await auditSubject({ ...ANN }, hashed())).toBe(`hmac:${hex.slice(0, 32)}`);
});

test('a known principal has its pseudonym at once, without cryptography', async () => {
  const [principal, config] = [{ ...ANN }, hashed()];
  const first = auditSubject(principal, config);
  expect(first).toBeInstanceOf(Promise);
  const sign = vi.spyOn(crypto.subtle, 'sign');
  expect(auditSubject(principal, config)).toBeInstanceOf(Promise);
  expect(sign).not.toHaveBeenCalled();
  const name = await first;
  sign.mockClear();
  expect(auditSubject(principal, config)).toBe(name);
  expect(sign).not.toHaveBeenCalled();
  sign.mockRestore();
});

test('the key is made once', async () => {
  const config = hashed();
  const importKey = vi.spyOn(crypto.subtle, 'importKey');
  await auditSubject({ ...ANN }, config);
  await auditSubject({ ...ANN, subject: 'ben' }, config);
  expect(importKey).toHaveBeenCalledTimes(1);
  importKey.mockRestore();
});

test('the same subject of the same issuer under the same secret has the same pseudonym, and nobody else has', async () => {
  const of = async (issuer: string, subject: string, secret = SECRET) =>
    auditSubject({ issuer, subject }, hashed(secret));
  expect(await of('a', 'b')).toBe(await of('a', 'b'));
  const names = await Promise.all([
    of('a', 'b'),
    of('a', 'c'),
    of('b', 'b'),
    of('a', 'b', `${SECRET}.`),
    of('ab', ''),
    of('', 'ab'),
    of('a', 'B'),
    of('a', 'b '),
  ]);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^hmac:[0-9a-f]{32}$/);
});

test('the same principal under another configuration has another name', async () => {
  const principal = { ...ANN };
  const [first, second] = [
    await auditSubject(principal, hashed()),
    await auditSubject(principal, hashed(`${SECRET}.`)),
  ];
  expect(first).not.toBe(second);
  expect(auditSubject(principal, { auditSubjects: 'plain', auditSecret: undefined })).toBe('ann');
});

test('without a secret there is no name at all, least of all the plain one', () => {
  expect(auditSubject(ANN, { auditSubjects: 'hashed', auditSecret: undefined })).toBeUndefined();
});

test('somebody may be kept under the plain name and pseudonyms of both secrets, whatever new decisions have', async () => {
  const [auditSecret, auditSecretPrevious] = [SECRET, `${SECRET}.`];
  const pseudonym = (secret: string) => auditSubject({ ...ANN }, hashed(secret));
  expect(await auditNames(ANN, { auditSecret, auditSecretPrevious })).toEqual([
    'ann',
    await pseudonym(auditSecret),
    await pseudonym(auditSecretPrevious),
  ]);
  expect(await auditNames(ANN, { auditSecret: undefined, auditSecretPrevious: undefined })).toEqual(['ann']);
});
