// How routers get what they log in to NATS with: whole folders, which kubelet keeps up to date, read again at each reconnect.
import type { MountedSecrets } from "./manifest.ts";

const CREDENTIALS_VOLUME = "nats-credentials";
const CREDENTIALS_FOLDER = "/etc/beamline/nats";
const TLS_VOLUME = "nats-tls";
const TLS_FOLDER = "/etc/beamline/nats-tls";
/** Octal 0440, as JSON has it: for the group of the pod. */
const READ_BY_GROUP = 0o440;

/** What is undefined is taken out of the environment: the operator's own files are not in a router's pod. */
export function secretEnvironment(secrets: MountedSecrets): Readonly<Record<string, string | undefined>> {
  const { credentials, tls, clientCertificate = false } = secrets;
  const hasCertificate = tls !== undefined && clientCertificate;
  return {
    BEAMLINE_NATS_CREDENTIALS_FILE: credentials === undefined ? undefined : `${CREDENTIALS_FOLDER}/nats.creds`,
    BEAMLINE_NATS_TLS_CA_FILE: tls === undefined ? undefined : `${TLS_FOLDER}/ca.crt`,
    BEAMLINE_NATS_TLS_CERT_FILE: hasCertificate ? `${TLS_FOLDER}/tls.crt` : undefined,
    BEAMLINE_NATS_TLS_KEY_FILE: hasCertificate ? `${TLS_FOLDER}/tls.key` : undefined,
  };
}

/** Never by subPath: such a file stays as it was when the pod began. */
export function secretMounts({ credentials, tls }: MountedSecrets): readonly object[] {
  return [
    ...(credentials === undefined ? [] : [{ name: CREDENTIALS_VOLUME, mountPath: CREDENTIALS_FOLDER, readOnly: true }]),
    ...(tls === undefined ? [] : [{ name: TLS_VOLUME, mountPath: TLS_FOLDER, readOnly: true }]),
  ];
}

export function secretVolumes({ credentials, tls }: MountedSecrets): readonly object[] {
  return [
    ...(credentials === undefined ? [] : [secretVolume(CREDENTIALS_VOLUME, credentials)]),
    ...(tls === undefined ? [] : [secretVolume(TLS_VOLUME, tls)]),
  ];
}

function secretVolume(name: string, secretName: string): object {
  return { name, secret: { secretName, defaultMode: READ_BY_GROUP } };
}
