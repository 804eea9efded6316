// The relay as a process: `listen <socket>` inside a network namespace, `forward <socket> <host> <port> <local port>` outside.
import { forwardInto, serveRelay } from "./relay.ts";

const [mode, socketPath = "", host = "", port = "", localPort = ""] = process.argv.slice(2);
if (mode === "listen") await serveRelay(socketPath);
else if (mode === "forward") await forwardInto(socketPath, { host, port: Number(port) }, Number(localPort));
else throw new Error(`relay-main.ts knows listen and forward, not ${mode}`);
