// The cluster's own certificate authority and what it signs, by openssl; private keys by Node.
import { execFile } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { BeamlineError, reasonOf } from "../../runtime/errors.ts";

/** A certificate and its private key, both PEM, and the files they are in. */
export interface SignedCertificate {
  readonly certPem: string;
  readonly keyPem: string;
  readonly certPath: string;
  readonly keyPath: string;
}

export interface CertificateAuthority {
  readonly caPem: string;
  readonly caPath: string;
  /** For a server: `names` are host names and IP addresses. */
  signServer(fileName: string, names: readonly string[]): Promise<SignedCertificate>;
  /** For a Kubernetes user: the common name is the user's name, each organisation a group. Of 0 days: expires at once. */
  signClient(fileName: string, user: string, groups: readonly string[], days?: number): Promise<SignedCertificate>;
}

export interface KeyPair {
  readonly privatePath: string;
  readonly publicPath: string;
}

const VALID_DAYS = 365;
const OPENSSL_TIMEOUT_MS = 20_000;
/** RFC 5280 allows 20 bytes, with the first bit clear. */
const SERIAL_BYTES = 16;
const CURVE = "prime256v1";
const run = promisify(execFile);

/** Makes a certificate authority in `directory`. Throws BeamlineError UNAVAILABLE without openssl. */
export async function makeAuthority(directory: string): Promise<CertificateAuthority> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const caPath = join(directory, "ca.crt");
  const caKeyPath = join(directory, "ca.key");
  await writePrivateKey(caKeyPath);
  // A configuration of our own, because that of the machine may add what it likes.
  const configPath = join(directory, "ca.cnf");
  const constraints = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature"];
  const names = ["[req]", "distinguished_name=dn", "x509_extensions=ca", "[dn]", "[ca]"];
  await writeFile(configPath, `${[...names, ...constraints, "subjectKeyIdentifier=hash"].join("\n")}\n`);
  const subject = ["-subj", "/CN=beamline-test-cluster", "-days", String(VALID_DAYS)];
  await openssl(["req", "-x509", "-new", "-key", caKeyPath, "-config", configPath, ...subject, "-out", caPath]);
  const sign = (fileName: string, subject: string, extensions: readonly string[], days = VALID_DAYS) =>
    signCertificate({ directory, caPath, caKeyPath, configPath, days }, fileName, subject, extensions);
  return {
    caPem: await readFile(caPath, "utf8"),
    caPath,
    signServer: (fileName, names) =>
      sign(fileName, `/CN=${escapeSubject(fileName)}`, [
        "extendedKeyUsage=serverAuth",
        `subjectAltName=${names.map((name) => (isAddress(name) ? `IP:${name}` : `DNS:${name}`)).join(",")}`,
      ]),
    signClient: (fileName, user, groups, days) => {
      const organisations = groups.map((group) => `/O=${escapeSubject(group)}`).join("");
      return sign(fileName, `${organisations}/CN=${escapeSubject(user)}`, ["extendedKeyUsage=clientAuth"], days);
    },
  };
}

/** A key pair for signing service-account tokens. */
export async function makeKeyPair(directory: string, fileName: string): Promise<KeyPair> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: CURVE });
  const privatePath = join(directory, `${fileName}.key`);
  const publicPath = join(directory, `${fileName}.pub`);
  await writeFile(privatePath, privateKey.export({ type: "sec1", format: "pem" }), { mode: 0o600 });
  await writeFile(publicPath, publicKey.export({ type: "spki", format: "pem" }));
  return { privatePath, publicPath };
}

interface AuthorityFiles {
  readonly directory: string;
  readonly caPath: string;
  readonly caKeyPath: string;
  readonly configPath: string;
  readonly days: number;
}

async function signCertificate(
  authority: AuthorityFiles,
  fileName: string,
  subject: string,
  extensions: readonly string[],
): Promise<SignedCertificate> {
  const base = join(authority.directory, fileName);
  const [keyPath, certPath, requestPath, extensionPath] = [`${base}.key`, `${base}.crt`, `${base}.csr`, `${base}.ext`];
  const keyPem = await writePrivateKey(keyPath);
  const all = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", ...extensions];
  await writeFile(extensionPath, `${all.join("\n")}\n`);
  const { caPath, caKeyPath, configPath } = authority;
  await openssl(["req", "-new", "-key", keyPath, "-config", configPath, "-subj", subject, "-out", requestPath]);
  const signing = [
    "-CA",
    caPath,
    "-CAkey",
    caKeyPath,
    "-set_serial",
    `0x${randomBytes(SERIAL_BYTES).toString("hex")}`,
    "-days",
    String(authority.days),
    "-sha256",
  ];
  await openssl(["x509", "-req", "-in", requestPath, ...signing, "-extfile", extensionPath, "-out", certPath]);
  return { certPem: await readFile(certPath, "utf8"), keyPem, certPath, keyPath };
}

async function writePrivateKey(path: string): Promise<string> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: CURVE });
  const pem = privateKey.export({ type: "sec1", format: "pem" }).toString();
  await writeFile(path, pem, { mode: 0o600 });
  return pem;
}

/** In openssl's one-line form a slash begins the next part. */
function escapeSubject(value: string): string {
  return value.replaceAll(/[\\/+=]/g, (character) => `\\${character}`);
}

function isAddress(name: string): boolean {
  return /^[\d.]+$/.test(name) || name.includes(":");
}

async function openssl(opensslArguments: readonly string[]): Promise<void> {
  try {
    await run("openssl", [...opensslArguments], { timeout: OPENSSL_TIMEOUT_MS });
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (missing) {
      throw new BeamlineError("UNAVAILABLE", "openssl is not installed; the cluster's certificates are made with it", {
        hint: "Install it from the system's packages (apt-get install openssl).",
      });
    }
    throw new BeamlineError("PROCESS_FAILED", `openssl ${opensslArguments[0]} failed: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}
