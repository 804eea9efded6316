// What stands before every handler: who calls, not too often, with the right to; and the record of what was changed or denied.
import type { Metadata } from "@grpc/grpc-js";
import { err, ok, type Result } from "../../core/result.ts";
import type { CallFailure } from "../call-failure.ts";
import { whenThere } from "../eventual.ts";
import type { AuditLog } from "./audit.ts";
import type { Authorize, Refusal } from "./authorize.ts";
import type { Caller } from "./caller.ts";
import type { CallerLimits } from "./rate-limits.ts";
import type { MethodRight, Open } from "./rights.ts";

/** What of a call says who calls: every call of grpc-js is one. */
export interface IncomingCall {
  readonly metadata: Metadata;
  getPeer(): string;
  getAuthContext(): { readonly sslPeerCertificate?: unknown };
}

/** What a request is about, beyond its method. */
export interface CallSubject {
  /** For the audit record: `processor/resize-1`, `policy/acme/chat`. */
  readonly object: string;
  /** Of an object of the cluster; absent for what is in no namespace. */
  readonly namespace?: string;
  /** The same, where somebody has to be asked for it. */
  readonly namespaceOf?: () => Promise<Result<string, CallFailure>>;
  /** Provider, `<namespace>/<name>`, that a component wants to belong to. */
  readonly provider?: string;
  /** It names no Provider, and works for those whose `providerId` is its id. */
  readonly worksById?: boolean;
}

/** Reads the subject from a request, which was not validated yet; asked only when it is needed. */
export type SubjectOf<Request> = (request: Request) => CallSubject;

export interface AdmittedMethod {
  readonly path: string;
  readonly right: MethodRight | Open;
}

/** Who calls, or why nobody was admitted. */
export type Admission = Result<Caller, CallFailure>;

/** At once when all that is needed is known; a promise when somebody has to be asked. */
export type Authenticate = (call: IncomingCall) => Admission | Promise<Admission>;

export interface AccessParts {
  readonly authenticate: Authenticate;
  readonly authorize: Authorize;
  /** Absent where callers cannot be told apart. */
  readonly limits?: CallerLimits;
  readonly audit: AuditLog;
}

export class AccessControl {
  private readonly parts: AccessParts;
  /** Who was found before the request was read, by the metadata of the call: it is not asked twice. */
  private readonly known = new WeakMap<Metadata, Admission>();

  constructor(parts: AccessParts) {
    this.parts = parts;
  }

  get audit(): AuditLog {
    return this.parts.audit;
  }

  get limits(): CallerLimits | undefined {
    return this.parts.limits;
  }

  /** Whether the call may go on to its handler, and as whose. */
  admit(
    method: AdmittedMethod,
    call: IncomingCall,
    subject: (() => CallSubject) | undefined,
  ): Admission | Promise<Admission> {
    if (method.right === "open") return this.admitAnybody(call);
    const { right } = method;
    const authenticated = this.known.get(call.metadata) ?? this.parts.authenticate(call);
    if (authenticated instanceof Promise)
      return authenticated.then((answer) => this.judge({ ...method, right }, call, answer, subject));
    return this.judge({ ...method, right }, call, authenticated, subject);
  }

  /** Why nothing that the call sends need be read: nobody knows who it is. */
  refuseEarly(method: AdmittedMethod, call: IncomingCall): Refusal | Promise<Refusal> {
    const authenticated = this.parts.authenticate(call);
    const refuse = (admission: Admission): Refusal => {
      if (admission.ok) {
        this.known.set(call.metadata, admission);
        return undefined;
      }
      this.parts.audit.denied({ method: method.path, peer: call.getPeer(), failure: admission.error });
      return admission.error;
    };
    return authenticated instanceof Promise ? authenticated.then(refuse) : refuse(authenticated);
  }

  /** Whether who was admitted to a stream still would be; a caller that nobody can be asked about is. */
  async mayStay(
    method: AdmittedMethod,
    call: IncomingCall,
    subject: (() => CallSubject) | undefined,
  ): Promise<Refusal> {
    const { path, right } = method;
    if (right === "open") return undefined;
    const { authenticate, authorize, audit } = this.parts;
    const authenticated = await authenticate(call);
    const caller = authenticated.ok ? authenticated.value : undefined;
    const failure = authenticated.ok ? await authorize(authenticated.value, right, subject) : authenticated.error;
    if (failure === undefined || failure.cause === "DEPENDENCY_UNAVAILABLE") return undefined;
    audit.denied({ method: path, ...(caller === undefined ? {} : { caller }), peer: call.getPeer(), failure });
    return failure;
  }

  /** Why the caller may not do this to what somebody else registered, said as `message`. */
  denialForOthers(method: AdmittedMethod, caller: Caller, message: string): Refusal | Promise<Refusal> {
    const { path, right } = method;
    if (right === "open" || right.ofOthers === undefined) throw new Error(`${path} acts on nothing of others`);
    const record = (failure: Refusal): Refusal => {
      if (failure === undefined) return undefined;
      const said = failure.cause === "PERMISSION_DENIED" ? { ...failure, message } : failure;
      this.parts.audit.denied({ method: path, caller, failure: said });
      return said;
    };
    return whenThere(this.parts.authorize(caller, right.ofOthers, undefined), record);
  }

  /** Whoever it is, known by its address, so that nobody's budget is used up by others. */
  private admitAnybody(call: IncomingCall): Admission {
    const { limits } = this.parts;
    if (limits === undefined) return ok(UNKNOWN);
    const name = addressOf(call);
    const id = `nothing:${name}`;
    const failure = limits.take(id, "calls");
    return failure === undefined ? ok({ ...UNKNOWN, name, id }) : err(failure);
  }

  private judge(
    method: { readonly path: string; readonly right: MethodRight },
    call: IncomingCall,
    authenticated: Admission,
    subject: (() => CallSubject) | undefined,
  ): Admission | Promise<Admission> {
    if (!authenticated.ok) {
      this.parts.audit.denied({ method: method.path, peer: call.getPeer(), failure: authenticated.error });
      return authenticated;
    }
    const caller = authenticated.value;
    const limited = this.parts.limits?.take(caller.id, method.right.budget);
    if (limited !== undefined) return err(limited);
    const refusal = this.parts.authorize(caller, method.right, subject);
    if (refusal instanceof Promise) return refusal.then((failure) => this.decide(method.path, call, caller, failure));
    return this.decide(method.path, call, caller, refusal);
  }

  private decide(path: string, call: IncomingCall, caller: Caller, failure: CallFailure | undefined): Admission {
    if (failure === undefined) return ok(caller);
    this.parts.audit.denied({ method: path, caller, peer: call.getPeer(), failure });
    return err(failure);
  }
}

/** Callers of methods that are open to all. */
const UNKNOWN: Caller = { via: "nothing", name: "unknown", id: "nothing:unknown", groups: [], role: "viewer" };

function addressOf(call: IncomingCall): string {
  const peer = call.getPeer();
  return peer.slice(0, peer.lastIndexOf(":"));
}
