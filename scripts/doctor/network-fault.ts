// Why nobody answered, in words: the exception of a fetch -> its kind, what it says and what to do.
//
// The codes are those of Node's resolver, its sockets and OpenSSL.

import { shown } from './finding.ts';

export interface NetworkFault {
  readonly kind: 'dns' | 'refused' | 'tls' | 'timeout' | 'other';
  /** Continues "https://host ...". */
  readonly problem: string;
  readonly remedy: string;
}

const CERTIFICATE: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an authority that nobody knows',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'it does not send the certificates between its own and a known authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its certificate is from an authority that is not known, or the certificates between are missing',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for other names',
};

export function faultOf(problem: unknown, url: string): NetworkFault {
  const { hostname, port, host, protocol } = new URL(url);
  const code = codeOf(problem);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'ENODATA') {
    return {
      kind: 'dns',
      problem: `cannot be reached: there is no address for the name ${hostname} (${code})`,
      remedy: `Look at the name for a typing mistake, and at the DNS records of ${hostname}. A custom domain of a Worker gets its record when it is added.`,
    };
  }
  if (code === 'ECONNREFUSED') {
    const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
    return {
      kind: 'refused',
      problem: `cannot be reached: nothing listens at ${host}`,
      remedy: isLocal
        ? 'Start it, for the local stack with `npm start` in another terminal, and look at the port.'
        : `Look at the host and the port${port === '' ? '' : ` ${port}`}, and at a firewall.`,
    };
  }
  if (code in CERTIFICATE || isTls(code)) {
    return {
      kind: 'tls',
      problem: `cannot be reached over TLS: ${CERTIFICATE[code] ?? 'no secure connection came about'} (${code})`,
      remedy:
        'Renew or replace the certificate (Cloudflare: SSL/TLS, Edge Certificates), and see that the port speaks https. Workers check certificates as well, and cannot be told not to.',
    };
  }
  if (code === 'TimeoutError' || code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') {
    return {
      kind: 'timeout',
      problem: 'did not answer in 10 seconds',
      remedy: `See that ${host} is up and can be reached from the internet: Workers call from there, not from your network.`,
    };
  }
  return {
    kind: 'other',
    problem: `cannot be reached (${code || messageOf(problem)})`,
    remedy: `Open ${protocol}//${host} with curl -v from here and see where it breaks off.`,
  };
}

const isTls = (code: string): boolean =>
  /^(ERR_SSL|ERR_TLS|CERT_|EPROTO)|CERTIFICATE|_CERT(_|$)|SELF_SIGNED/.test(code);

/** The code of the innermost cause; of several attempts (IPv6, IPv4) the first. */
function codeOf(problem: unknown): string {
  if (!(problem instanceof Error)) return '';
  if (problem.name === 'TimeoutError') return problem.name;
  if (problem instanceof AggregateError && problem.errors.length > 0) return codeOf(problem.errors[0]);
  const own = 'code' in problem && typeof problem.code === 'string' ? problem.code : '';
  return (problem.cause === undefined ? '' : codeOf(problem.cause)) || own;
}

/** What the innermost cause says, where it has no code: `bad port`. */
function messageOf(problem: unknown): string {
  if (!(problem instanceof Error)) return 'no reason was given';
  return problem.cause === undefined ? shown(problem.message) : messageOf(problem.cause);
}
