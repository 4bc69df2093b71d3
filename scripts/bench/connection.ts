// One kept-alive connection to a contender: a request, then its answer, then the next.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Answer, readAnswer } from './exchange.ts';

/** How long one answer may take. */
const PATIENCE_MS = 30_000;

export class Connection {
  readonly #socket: Socket;
  #arrived = '';
  #done: ((answer: Answer) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket.setNoDelay(true).setEncoding('latin1').setTimeout(PATIENCE_MS);
    socket.on('timeout', () => socket.destroy(new Error(`no answer in ${PATIENCE_MS / 1_000} s`)));
    socket.on('error', (error) => this.#failed?.(error));
    socket.on('close', () => this.#failed?.(new Error('the connection was closed')));
    socket.on('data', (chunk: unknown) => {
      this.#arrived += chunk;
      const answer = readAnswer(this.#arrived);
      if (answer === undefined) return;
      this.#arrived = '';
      this.#done?.(answer);
    });
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Connection(socket);
  }

  /** @throws {Error} when there is no complete answer */
  send(bytes: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#failed = reject;
      this.#socket.write(bytes);
    });
  }

  close(): void {
    this.#done = undefined;
    this.#failed = undefined;
    this.#socket.destroy();
  }
}
