// How to reach an API server and who we are there, whatever that was read from.

/** Everything that may be rotated while the process runs. PEM texts; the token without its scheme. */
export interface Credentials {
  readonly caPem?: string;
  readonly certPem?: string;
  readonly keyPem?: string;
  readonly token?: string;
  /** Milliseconds since the Unix epoch after which they are surely refused. */
  readonly expiresAtMs?: number;
}

export interface ClusterAccess {
  readonly server: URL;
  /** The name that the server's certificate must have, when it is not that of `server`. */
  readonly tlsServerName?: string;
  readonly insecureSkipTlsVerify: boolean;
  /** The namespace to use when none is said. */
  readonly namespace: string;
  /** For messages: the file or mount that this came from. */
  readonly origin: string;
  /** Reads them anew. Throws BeamlineError CONFIG_INVALID or PERMISSION_DENIED. */
  readCredentials(): Promise<Credentials>;
}
