/** A file ended or broke before all of it had come; the message is a sentence for whoever sent it. */
export class Broken extends Error {
  override readonly name: string = 'Broken';
}

/** A body is not what its Content-Type says. */
export class MalformedUpload extends Broken {
  override readonly name = 'MalformedUpload';
}
