// A steady stream of requests for policies that are there, and questions for one until a router knows it.
import { namesFor } from "../../../../core/handover/subjects.ts";
import type { KubernetesObject } from "../../../../kubernetes/object.ts";
import type { NatsLink } from "../../../../runtime/nats/connection.ts";
import { eventually } from "../../../support/await.ts";
import { type Answer, decodeAnswer, encodeQuestion, type Question } from "./decide-requests.ts";

const SUBJECT = namesFor().decideSubject;
const REQUEST_TIMEOUT_MS = 10_000;
const TICK_MS = 10;
const MS_PER_SECOND = 1_000;
/** Between two questions for a policy that nobody knows. */
const ASK_EVERY_MS = 2;

export class DecideTraffic {
  /** Every decision, in the order of the answers. */
  readonly answers: Answer[] = [];
  /** What ended in something other than a decision, though its policy was there. */
  readonly failures: string[] = [];
  private readonly link: NatsLink;
  private timer: NodeJS.Timeout | undefined;
  private sent = 0;

  constructor(link: NatsLink) {
    this.link = link;
  }

  /** Asks for these policies in turn, whatever the answers do. */
  start(policies: readonly KubernetesObject[], perSecond: number): void {
    const startMs = performance.now();
    let asked = 0;
    this.timer = setInterval(() => {
      const due = ((performance.now() - startMs) / MS_PER_SECOND) * perSecond;
      for (; asked < due; asked++) {
        const policy = policies[asked % policies.length];
        if (policy !== undefined) void this.askKnown(policy);
      }
    }, TICK_MS);
  }

  /** Resolves when everything that was asked is answered. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.link.mux.idle();
  }

  /** Asks until a router decides by this policy; returns when its answer came, on the monotonic clock. */
  async firstDecision(policy: KubernetesObject, deadlineMs: number): Promise<number> {
    return eventually(
      async () => {
        const answer = await this.ask(policy);
        const nowMs = performance.now();
        if (answer === undefined) return undefined;
        this.answers.push(answer);
        return nowMs;
      },
      { deadlineMs, describe: `a decision by ${policy.metadata.name}`, everyMs: ASK_EVERY_MS },
    );
  }

  private async askKnown(policy: KubernetesObject): Promise<void> {
    try {
      const answer = await this.ask(policy);
      if (answer === undefined) this.failures.push(`${policy.metadata.name} is not known`);
      else this.answers.push(answer);
    } catch (error) {
      this.failures.push(String(error));
    }
  }

  private ask({ metadata }: KubernetesObject): Promise<Answer | undefined> {
    const session = this.sent++;
    const { namespace: tenantId = "", name: policyId } = metadata;
    const question: Question = { messageId: `message-${session}`, tenantId, policyId, session };
    return new Promise((resolve, reject) => {
      this.link.mux.request(SUBJECT, encodeQuestion(question), undefined, REQUEST_TIMEOUT_MS, (result) => {
        if (result.kind !== "reply") return reject(new Error(`message ${session}: ${result.kind}`));
        try {
          resolve(decodeAnswer(question, result.msg.data));
        } catch (error) {
          reject(error);
        }
      });
    });
  }
}
