/**
 * Collects the messages of one turn of the event loop and sends them as one array: a message of its own costs more than what is in it.
 */
export class Outbox<Message> {
  readonly #send: (batch: readonly Message[]) => void;
  #waiting: Message[] = [];

  constructor(send: (batch: readonly Message[]) => void) {
    this.#send = send;
  }

  push(message: Message): void {
    this.#waiting.push(message);
    if (this.#waiting.length === 1) setImmediate(() => this.flush());
  }

  flush(): void {
    const batch = this.#waiting;
    if (batch.length === 0) return;
    this.#waiting = [];
    this.#send(batch);
  }
}
