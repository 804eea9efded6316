// Our code inside the client's reader: what it throws must not end the reader.

/**
 * Runs a callback of ours that the NATS client calls while it reads from the socket. A throw there ends the client's reader
 * and leaves a connection that looks alive and delivers nothing: so a bug surfaces outside of it, as an
 * uncaught exception, which ends the process. Every `subscribe` callback goes through this.
 */
export function runInReader(callback: () => void): void {
  try {
    callback();
  } catch (bug) {
    queueMicrotask(() => {
      throw bug;
    });
  }
}
