// Which endpoints this process may connect to: whoever registers a component chooses one, and must not reach what only we can.
import { BlockList, isIP } from "node:net";
import { BeamlineError } from "../../runtime/errors.ts";

export interface DialRulesOptions {
  /** CIDR blocks and addresses, host names, and `*.suffix`. Empty: everything that is not special. */
  readonly allow: readonly string[];
  /** Whether addresses of this machine are like others: where everything runs on one. */
  readonly loopback: boolean;
}

/** Not addresses of components: this host, link-local (metadata services of clouds), multicast, reserved. */
const SPECIAL = [
  "0.0.0.0/8",
  "169.254.0.0/16",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/128",
  "fe80::/10",
  "ff00::/8",
  // Metadata services that are not link-local: Alibaba Cloud, Oracle Cloud, AWS over IPv6.
  "100.100.100.200",
  "192.0.0.192",
  "fd00:ec2::254",
  // Link-local IPv4 behind a translator (RFC 6052).
  "64:ff9b::a9fe:0/112",
];
const LOOPBACK = ["127.0.0.0/8", "::1"];
const HOST_PATTERN = /^(?:\*\.)?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

export class DialRules {
  private readonly special = new BlockList();
  private readonly allowed = new BlockList();
  private readonly hosts: readonly string[];
  private readonly isOpen: boolean;

  /** Throws BeamlineError CONFIG_INVALID for an entry that is neither a block nor a host. */
  constructor({ allow, loopback }: DialRulesOptions) {
    for (const block of loopback ? SPECIAL : [...SPECIAL, ...LOOPBACK]) addBlock(this.special, block);
    const entries = allow.map((entry) => entry.toLowerCase());
    this.hosts = entries.filter((entry) => !addBlock(this.allowed, entry));
    const wrong = this.hosts.find((host) => !HOST_PATTERN.test(host));
    if (wrong !== undefined) {
      throw new BeamlineError("CONFIG_INVALID", `BEAMLINE_CONTROLPLANE_DIAL_ALLOW has "${wrong}"`, {
        hint: "Write CIDR blocks such as 10.0.0.0/8, host names, or *.suffix.",
      });
    }
    this.isOpen = allow.length === 0;
  }

  /** Why an address that `host` stands for may not be dialled; undefined when it may. */
  refusal(host: string, address: string): string | undefined {
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    // A block that is named counts for more than what is special: somebody meant it.
    if (this.allowed.check(address, family)) return undefined;
    if (this.special.check(address, family))
      return `${address} is a loopback, link-local, metadata or other special address`;
    if (this.isOpen || this.hosts.some((pattern) => matches(host.toLowerCase(), pattern))) return undefined;
    return `neither ${host} nor ${address} is in BEAMLINE_CONTROLPLANE_DIAL_ALLOW`;
  }
}

function matches(host: string, pattern: string): boolean {
  const name = host.replace(/\.$/, "");
  return pattern.startsWith("*.") ? name.endsWith(pattern.slice(1)) : name === pattern;
}

/** Whether the text is an address or a block, which then is in the list. */
function addBlock(list: BlockList, text: string): boolean {
  const [address = "", bits, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  const family = version === 6 ? "ipv6" : "ipv4";
  const all = version === 6 ? 128 : 32;
  if (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= all)) return false;
  list.addSubnet(address, bits === undefined ? all : Number(bits), family);
  return true;
}
