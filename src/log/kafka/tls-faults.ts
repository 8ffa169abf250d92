/** What `code` of Node's and OpenSSL's errors says about TLS. https://nodejs.org/api/tls.html#x509-certificate-error-codes */

const UNKNOWN_AUTHORITY = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
  'INVALID_CA',
  'CERT_SIGNATURE_FAILURE',
]);
const OUT_OF_DATE = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'CRL_HAS_EXPIRED']);
const OTHER_CERTIFICATE_FAULTS = new Set(['CERT_REVOKED', 'CERT_REJECTED', 'CERT_CHAIN_TOO_LONG', 'INVALID_PURPOSE']);
const WRONG_NAME = 'ERR_TLS_CERT_ALTNAME_INVALID';

/** A fault of the server's certificate, which trying again does not mend. */
export function isCertificateFault(error: unknown): boolean {
  return certificateHint(codeOf(error)) !== undefined;
}

/** What is wrong with the certificate that a broker showed, and what to do; undefined for any other code. */
export function certificateHint(code: string | undefined): string | undefined {
  if (code === undefined) return undefined;
  if (UNKNOWN_AUTHORITY.has(code)) {
    return 'Its certificate is not signed by an authority that is trusted here: give that authority as --tls-ca.';
  }
  if (OUT_OF_DATE.has(code)) return 'Its certificate is out of date, or the clock of this machine is wrong.';
  if (code === WRONG_NAME) {
    return "Its certificate is for another name: use the name that it was made for in --brokers and in the brokers' advertised.listeners.";
  }
  if (OTHER_CERTIFICATE_FAULTS.has(code)) return 'Its certificate was refused.';
  return undefined;
}

/** What a broker's TLS alert, or an answer that is no TLS, says; undefined for any other code. */
export function handshakeHint(code: string | undefined): string | undefined {
  if (code === undefined) return undefined;
  if (
    /ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED|ACCESS_DENIED)/.test(
      code,
    )
  ) {
    return 'The broker asks for a client certificate that it trusts: give --tls-cert and --tls-key.';
  }
  if (/ALERT_(HANDSHAKE_FAILURE|PROTOCOL_VERSION)/.test(code)) {
    return 'There is no TLS version and cipher that both sides take, or the broker asks for a client certificate (--tls-cert, --tls-key).';
  }
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNEXPECTED_MESSAGE|BAD_RECORD_TYPE/.test(code)) {
    return 'The port does not speak TLS: leave out --tls, or use the port of the TLS listener.';
  }
  return undefined;
}

export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
