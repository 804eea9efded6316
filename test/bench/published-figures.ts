// What others publish about themselves, as far as it can be held beside our figures.

export interface PublishedFigure {
  readonly system: string;
  readonly figure: string;
  readonly source: string;
  readonly compare: string;
}

export const PUBLISHED_FIGURES: readonly PublishedFigure[] = [
  {
    system: "Bento (Go), JetStream to JetStream, two-line mapping, message id, 1,024 in flight",
    figure: "25.5k to 30.2k msg/s, 33 to 38 us of CPU a message",
    source:
      "our own measurement, August 2026 release, two Xeon cores, nats-server 2.15.2, 100,000 messages of 700 B, three repetitions; in the same run the idiomatic loop 17.5k to 18.5k, the bare loop 77.8k to 82.3k",
    compare: "durable messages; its ratio to the bare loop was 0.33 to 0.37. It decides nothing and claims nothing",
  },
  {
    system: "Numaflow (Rust), MonoVertex",
    figure: "about 14.5k msg/s a pod, batches of 500",
    source: "its public issue numaflow#1936",
    compare: "durable messages, another machine",
  },
  {
    system: "Numaflow, JetStream reduce pod",
    figure: "about 12k msg/s at 512 B, 8.5k at 1 KiB",
    source: "its public issue numaflow#399, network disks",
    compare: "durable messages, another machine",
  },
  {
    system: "Bifrost (Go), AI gateway",
    figure: "11 us mean overhead at 5,000 requests/s; less than 10 us to select",
    source: "its published benchmark",
    compare: "decide and the router's CPU time a request; it proxies HTTP and stores nothing",
  },
  {
    system: "TensorZero (Rust), AI gateway",
    figure: "less than 1 ms p99 overhead at 10,000 requests/s on 4 vCPU",
    source: "its published benchmark",
    compare: "request/reply without key; it proxies HTTP",
  },
  {
    system: "LiteLLM proxy (Python), AI gateway",
    figure: "1,170 requests/s on four instances of 4 CPU, overhead 2 ms median, 13 ms p99",
    source: "its published benchmark",
    compare: "request/reply without key; it proxies HTTP",
  },
];
