import { shellWord } from '../../kernel/shell-quote.ts'
import { join } from 'node:path'
import { cannot } from '../../kernel/errors.ts'
import type { RunRecord } from '../../run/record/record.ts'
import { contentsOf, openRegular } from './contents.ts'
import { names } from './statement.ts'
import { reason } from './errors.ts'

export type LogTail = { readonly file: string; readonly bytes: number; readonly tail: Uint8Array }

/**
 * Reads an evidence folder for display, without verifying it.
 * @param tailBytes how much of the end of each log, where the reason of a failure is
 * @throws RunbookError `usage` if the folder has no record
 */
export async function readEvidence(
  folder: string,
  tailBytes = 64 << 10,
): Promise<{ readonly record: RunRecord; readonly logs: readonly LogTail[] }> {
  try {
    const record = JSON.parse(await text(join(folder, names.run))) as RunRecord
    if (typeof record?.run !== 'string' || !Array.isArray(record.steps))
      throw new TypeError(`${names.run} is not a record of a run`)
    const files = (await contentsOf(folder)).files.filter((name) => name.startsWith('logs/'))
    return { record, logs: await Promise.all(files.map((file) => tailOf(folder, file, tailBytes))) }
  } catch (thrown) {
    throw cannot('read', `the evidence in ${folder}`, reason(thrown), {
      code: 'usage',
      hint: `check: ls -l ${shellWord(folder)}`,
      cause: thrown,
    })
  }
}

async function text(path: string): Promise<string> {
  await using handle = await openRegular(path)
  return (await handle.readFile()).toString()
}

async function tailOf(folder: string, file: string, tailBytes: number): Promise<LogTail> {
  await using handle = await openRegular(join(folder, file))
  const { size } = await handle.stat()
  const start = Math.max(0, size - tailBytes)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start)
  return { file, bytes: size, tail: buffer.subarray(0, bytesRead) }
}
