// Expressions of rules: values, errors as values, bounds and caps.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { compileExpression, ExpressionCache } from "../../../core/policy/expression.ts";
import type { ExpressionInput, ExpressionResult } from "../../../core/policy/table.ts";

const input: ExpressionInput = {
  message: {
    id: "m-1",
    type: "chat",
    metadata: { tier: "gold", constructor: "own", long: "x".repeat(4097) },
    payload_size: 12,
  },
  context: { region: "eu", tokens: "17" },
  tenant: { id: "acme" },
};

function evaluate(text: string, over: Partial<ExpressionInput> = {}): ExpressionResult {
  const compiled = compileExpression(text);
  assert.ok(compiled.ok, JSON.stringify(compiled));
  return compiled.value.evaluate({ ...input, ...over });
}

function refuse(text: string): string {
  const compiled = compileExpression(text);
  assert.ok(!compiled.ok, text);
  return `${compiled.error.line}:${compiled.error.column} ${compiled.error.message}`;
}

describe("compileExpression", () => {
  const values: readonly (readonly [string, boolean])[] = [
    ["message.metadata.tier == 'gold'", true],
    ["message.metadata['tier'] in ['gold', 'silver']", true],
    ["message.metadata.constructor == 'own'", true],
    ["message.payload_size > 10 && message.payload_size < 13", true],
    ["int(context.tokens) + 3 == 20", true],
    ["double(context.tokens) / 2.0 > 8.4", true],
    ["'region' in context && context.region.startsWith('e')", true],
    ["'nothing' in context", false],
    ["has(context.nothing)", false],
    ["has(message.metadata.tier)", true],
    ["tenant.id == 'acme' ? message.type.contains('ha') : false", true],
    ["context.exists(key, key == 'region' && context[key] == 'eu')", true],
    ["context.all(a, context.all(b, size(a) + size(b) < 20))", true],
    ["['a', 'b'].filter(x, x != 'a').size() == 1", true],
    ["context.nothing == 'x' || true", true],
  ];
  for (const [text, value] of values) it(text, () => assert.deepEqual(evaluate(text), { ok: true, value }));

  it("makes a missing key an error that names it", () => {
    for (const text of ["context['missing'] == ''", "context.missing == ''", "message.metadata.missing == ''"]) {
      assert.deepEqual(evaluate(text), { ok: false, error: "No such key: missing" });
    }
    assert.equal(evaluate("context.constructor == ''").ok, false);
    assert.equal(evaluate("context['__proto__'] == ''").ok, false);
  });

  it("makes failed arithmetic and conversions errors", () => {
    for (const text of [
      "1 / (message.payload_size - 12) == 1",
      "int(context.region) == 1",
      "message.id.substring(9) == ''",
    ]) {
      assert.equal(evaluate(text).ok, false, text);
    }
  });

  it("caps what is read, and only that", () => {
    assert.deepEqual(evaluate("message.metadata.long == ''"), {
      ok: false,
      error: "message.metadata.long is longer than 4096 characters",
    });
    assert.deepEqual(evaluate("message.metadata.exists(key, key == 'tier')"), {
      ok: false,
      error: "an entry of message.metadata is longer than 4096 characters",
    });
    assert.equal(evaluate("'long' in message.metadata && message.metadata.tier == 'gold'").ok, true);
    const context = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, "v"]));
    assert.deepEqual(evaluate("context.all(key, true)", { context }), {
      ok: false,
      error: "context has 65 entries; a rule may look at 64",
    });
    assert.deepEqual(evaluate("context.k7 == 'v'", { context }), { ok: true, value: true });
    const message = { ...input.message, id: "x".repeat(5000) };
    assert.deepEqual(evaluate("message.id == ''", { message }), {
      ok: false,
      error: "message.id is longer than 4096 characters",
    });
  });

  it("refuses what does not yield a bool, or does not type-check", () => {
    assert.equal(refuse("message.payload_size"), "1:1 must yield a bool, not int");
    assert.equal(refuse("context"), "1:1 must yield a bool, not map<string, string>");
    assert.match(refuse("message.tier == 'x'"), /^1:9 No such key: tier/);
    assert.match(refuse("tenant == 'x'"), /no such overload/);
    assert.match(refuse("reqeust.id == 'x'"), /^1:1 Unknown variable: reqeust/);
  });

  it("gives the line and column of a fault", () => {
    assert.match(refuse("message.type == 'chat' &&\n  context.tier = 'gold'"), /^2:/);
    assert.match(refuse("a ==\n\n  "), /^3:3/);
  });

  it("keeps the bounds", () => {
    assert.match(
      refuse(Array.from({ length: 70 }, (_, index) => `message.id == '${index}'`).join(" || ")),
      /maxAstNodes \(256\)/,
    );
    assert.match(refuse(`${"-(1 + ".repeat(9)}1${")".repeat(9)} == 1`), /nested deeper than 16/);
    assert.match(refuse("context.all(a, context.all(b, context.all(c, true)))"), /macros are nested more than 2 times/);
    assert.match(
      refuse(`context.all(a, context.all(b, ${Array.from({ length: 12 }, (_, i) => `a + b == '${i}'`).join(" || ")}))`),
      /steps on the largest input/,
    );
    assert.match(refuse("message.id.matches('(a+)+$')"), /regular expressions are not available/);
    assert.match(refuse("cel.bind(x, context.a, x == x)"), /function bind is not available/);
    assert.match(refuse(`${"!".repeat(2000)}true`), /maxAstNodes/);
    assert.match(refuse("(".repeat(2000)), /maxDepth/);
  });

  it("reads a long chain of one operator as one level", () => {
    const text = Array.from({ length: 40 }, (_, index) => `message.type == '${index}'`).join(" || ");
    assert.deepEqual(evaluate(text), { ok: true, value: false });
  });
});

describe("ExpressionCache", () => {
  it("compiles a text once, right or wrong", () => {
    const cache = new ExpressionCache();
    assert.equal(cache.compile("true"), cache.compile("true"));
    assert.equal(cache.compile("1 +"), cache.compile("1 +"));
    assert.notEqual(cache.compile("true"), cache.compile("false"));
  });
});
