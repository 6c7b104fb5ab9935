import { shellWord } from '../../kernel/shell-quote.ts'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { ReadableStream } from 'node:stream/web'
import { cannot } from '../../kernel/errors.ts'

/** The content of an upload, opened once for each attempt. */
export type UploadSource = {
  readonly bytes: number
  open(progress: (done: number) => void): ReadableStream | string
  sha256(): Promise<string>
}

export async function uploadSource(
  from: { readonly file: string } | { readonly text: string },
): Promise<UploadSource> {
  if ('text' in from) {
    return {
      bytes: Buffer.byteLength(from.text),
      open: () => from.text,
      sha256: async () => createHash('sha256').update(from.text).digest('hex'),
    }
  }
  const { file } = from
  const { size } = await stat(file).catch((cause: unknown) => {
    throw cannot('upload', file, 'it cannot be read', {
      code: 'failed',
      hint: `check: ls -l ${shellWord(file)}`,
      cause,
    })
  })
  return {
    bytes: size,
    open: (progress) => ReadableStream.from(counted(file, progress)),
    sha256: async () => {
      const hash = createHash('sha256')
      for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
      return hash.digest('hex')
    },
  }
}

async function* counted(file: string, progress: (done: number) => void): AsyncGenerator<Uint8Array> {
  let done = 0
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 18 })) {
    progress((done += (chunk as Buffer).length))
    yield chunk as Buffer
  }
}
