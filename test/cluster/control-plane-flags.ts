// The command lines of etcd and the Kubernetes control plane: the same for an API server alone and for a whole node.
import type { CertificateAuthority, KeyPair, SignedCertificate } from "./certificates.ts";

/** 198.18.0.0/15 is reserved for benchmarks (RFC 2544), so no address in it is anybody's. */
export const SERVICE_RANGE = "198.19.0.0/24";
/** The Service `kubernetes` always takes the first address of the range. */
export const API_SERVICE_ADDRESS = "198.19.0.1";
export const CLUSTER_DOMAIN = "cluster.local";
export const SERVICE_ACCOUNT_ISSUER = `https://kubernetes.default.svc.${CLUSTER_DOMAIN}`;

export interface EtcdFlagsOptions {
  readonly dataDir: string;
  readonly port: number;
}

/** A single member, without fsync: what a test writes need not survive a loss of power, and the disk is the slowest part. */
export function etcdFlags({ dataDir, port }: EtcdFlagsOptions): string[] {
  const url = `http://127.0.0.1:${port}`;
  return [
    `--data-dir=${dataDir}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    "--listen-peer-urls=http://127.0.0.1:0",
    "--unsafe-no-fsync",
  ];
}

export interface ApiServerFlagsOptions {
  readonly etcdPort: number;
  readonly bindAddress: string;
  readonly port: number;
  readonly authority: CertificateAuthority;
  readonly serving: SignedCertificate;
  /** With which the API server calls kubelets. */
  readonly kubeletClient?: SignedCertificate;
  readonly serviceAccountKeys: KeyPair;
  readonly tokenFile: string;
}

export function apiServerFlags(options: ApiServerFlagsOptions): string[] {
  const { serving, kubeletClient, serviceAccountKeys } = options;
  return [
    `--etcd-servers=http://127.0.0.1:${options.etcdPort}`,
    `--bind-address=${options.bindAddress}`,
    `--advertise-address=${options.bindAddress}`,
    `--secure-port=${options.port}`,
    `--client-ca-file=${options.authority.caPath}`,
    `--tls-cert-file=${serving.certPath}`,
    `--tls-private-key-file=${serving.keyPath}`,
    `--token-auth-file=${options.tokenFile}`,
    `--service-account-issuer=${SERVICE_ACCOUNT_ISSUER}`,
    `--service-account-key-file=${serviceAccountKeys.publicPath}`,
    `--service-account-signing-key-file=${serviceAccountKeys.privatePath}`,
    `--service-cluster-ip-range=${SERVICE_RANGE}`,
    "--authorization-mode=Node,RBAC",
    "--allow-privileged=true",
    ...(kubeletClient === undefined
      ? []
      : [
          `--kubelet-client-certificate=${kubeletClient.certPath}`,
          `--kubelet-client-key=${kubeletClient.keyPath}`,
          // By name, logs and exec would look the node up in DNS, which nobody has told about it.
          "--kubelet-preferred-address-types=InternalIP",
        ]),
  ];
}

export interface ControllerManagerFlagsOptions {
  readonly kubeconfigPath: string;
  readonly authority: CertificateAuthority;
  readonly serviceAccountKeys: KeyPair;
  /** Names of controllers, such as `garbage-collector-controller`; `*` is all that are on by default. */
  readonly controllers: readonly string[];
}

export function controllerManagerFlags(options: ControllerManagerFlagsOptions): string[] {
  return [
    `--kubeconfig=${options.kubeconfigPath}`,
    `--controllers=${options.controllers.join(",")}`,
    `--root-ca-file=${options.authority.caPath}`,
    `--service-account-private-key-file=${options.serviceAccountKeys.privatePath}`,
    "--use-service-account-credentials=true",
    "--leader-elect=false",
    // No port of its own: nobody asks it anything, and several clusters on one machine would collide.
    "--secure-port=0",
  ];
}
