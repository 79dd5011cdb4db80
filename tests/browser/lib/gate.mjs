// A way to the daemon that can be cut and opened again, while the daemon itself goes on: what a
// network does, and a laptop that sleeps.

import { connect, createServer } from "node:net";
import { once } from "node:events";

export class Gate {
  #server;
  #sockets = new Set();

  static async start(daemon) {
    const gate = new Gate();
    gate.daemon = daemon;
    gate.port = 0;
    await gate.open();
    gate.url = `http://127.0.0.1:${gate.port}`;
    return gate;
  }

  /** Of whoever comes by. */
  token() {
    return this.daemon.token();
  }

  async open() {
    this.#server = createServer((near) => {
      const far = connect(this.daemon.port, "127.0.0.1");
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ]) {
        this.#sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
    });
    this.#server.listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = this.#server.address().port;
  }

  /** Ends every connection, and refuses new ones. */
  async cut() {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }
}
