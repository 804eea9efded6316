// Messages of a stream of calls one by one, so that a test can say which comes next.

/** What a stream of grpc-js offers to whoever reads it. */
interface MessageSource<Message> {
  on(event: "data", listener: (message: Message) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}

export interface StreamReader<Message> {
  /** The next message; undefined after the last one. Rejects with the error that the call ended with. */
  next(): Promise<Message | undefined>;
}

type Arrival<Message> = { readonly message: Message } | { readonly error: Error } | "end";

/** Reads at the pace of the sender: for streams that a test knows to be short. */
export function readStream<Message>(source: MessageSource<Message>): StreamReader<Message> {
  const arrivals: Arrival<Message>[] = [];
  let waiting: (() => void) | undefined;
  const arrive = (arrival: Arrival<Message>): void => {
    arrivals.push(arrival);
    waiting?.();
  };
  source.on("data", (message) => arrive({ message }));
  source.on("end", () => arrive("end"));
  source.on("error", (error) => arrive({ error }));
  return {
    next: async () => {
      while (arrivals.length === 0) {
        await new Promise<void>((resolve) => {
          waiting = resolve;
        });
      }
      const arrival = arrivals.shift();
      // Of a failed call the end may be told before the failure.
      if (arrival === undefined || arrival === "end") {
        await new Promise((resolve) => setImmediate(resolve));
        const after = arrivals.shift();
        if (after !== undefined && after !== "end" && "error" in after) throw after.error;
        return undefined;
      }
      if ("error" in arrival) throw arrival.error;
      return arrival.message;
    },
  };
}
