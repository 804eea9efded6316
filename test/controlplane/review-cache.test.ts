// Answers of the API server as the control plane keeps them: how long a yes and a no count, and what counts while it is away.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "mocha";
import {
  NEGATIVE_MS,
  POSITIVE_MS,
  type Review,
  ReviewCache,
  STALE_MS,
} from "../../controlplane/access/review-cache.ts";
import { err, ok } from "../../core/result.ts";
import type { ApiResult } from "../../kubernetes/failure.ts";
import { createLogger } from "../../runtime/log.ts";

const log = createLogger({ service: "test", level: "silent" });
const YES: Review<string> = { value: "yes", positive: true };
const NO: Review<string> = { value: "no", positive: false };

describe("the cache of access reviews", () => {
  let nowMs = 0;
  let asked = 0;
  let answer: ApiResult<Review<string>>;
  let cache: ReviewCache<string>;

  beforeEach(() => {
    nowMs = 1_000_000;
    asked = 0;
    answer = ok(YES);
    cache = new ReviewCache({ clock: { nowMs: () => nowMs, monotonicMs: () => nowMs }, log });
  });

  const find = (key = "a") =>
    cache.find(key, async () => {
      asked++;
      return answer;
    });
  const value = async (key?: string) => {
    const found = await find(key);
    return found.ok ? found.value : found.error.kind;
  };
  const away = err({ kind: "Unreachable" as const, message: "away" });

  it("asks once for all who wait, and answers at once while the answer is fresh", async () => {
    assert.deepEqual(await Promise.all([value(), value(), value()]), ["yes", "yes", "yes"]);
    assert.equal(asked, 1);
    nowMs += POSITIVE_MS - 1;
    assert.deepEqual(find(), ok("yes"));
    nowMs += 1;
    assert.ok(find() instanceof Promise);
  });

  it("asks again soon after a no", async () => {
    answer = ok(NO);
    assert.equal(await value(), "no");
    nowMs += NEGATIVE_MS;
    answer = ok(YES);
    assert.equal(await value(), "yes");
  });

  it("takes a revoked yes back when it is no longer fresh", async () => {
    await value();
    nowMs += POSITIVE_MS;
    answer = ok(NO);
    assert.equal(await value(), "no");
    answer = away;
    nowMs += NEGATIVE_MS;
    assert.equal(await value(), "Unreachable", "a no does not count while nobody can be asked");
  });

  it("lets a yes count for a while when nobody can be asked, without asking for each call", async () => {
    await value();
    answer = away;
    nowMs += POSITIVE_MS;
    assert.equal(await value(), "yes");
    assert.deepEqual(find(), ok("yes"));
    assert.equal(asked, 2);
    nowMs += STALE_MS - POSITIVE_MS;
    assert.equal(await value(), "Unreachable");
    assert.equal(await value("b"), "Unreachable");
  });

  it("never lets a token outlive its own expiry", async () => {
    answer = ok({ ...YES, expiresAtMs: nowMs + 1_000 });
    await value();
    nowMs += 999;
    assert.deepEqual(find(), ok("yes"));
    nowMs += 1;
    answer = away;
    assert.equal(await value(), "Unreachable");
  });

  it("asks about a bounded number at once", async () => {
    const waiting = Promise.withResolvers<ApiResult<Review<string>>>();
    const found = Array.from({ length: 65 }, (_, i) => cache.find(`key-${i}`, () => waiting.promise));
    assert.deepEqual((await found[64])?.ok, false);
    waiting.resolve(ok(YES));
    assert.deepEqual(await found[63], ok("yes"));
  });
});
