import { checksumList, RunbookError, type Look, shellWord } from '../../../src/index.ts'
import { lastOf } from '../../files/lib/path.ts'

const largest = 16 * 1024 * 1024

/**
 * The text of `SHA256SUMS` in a folder; null where there is none.
 * @throws RunbookError `preflight` where it could not be written back byte by byte
 */
export async function sumsIn(look: Pick<Look, 'files'>, directory: string): Promise<string | null> {
  const file = `${directory}/SHA256SUMS`
  const there = await look.files.stat(file)
  if (there === null) return null
  const refused = (why: string): RunbookError =>
    new RunbookError('preflight', `${file} ${why}`, {
      hint: `check its contents, and move it aside: mv ${shellWord(file)} ${shellWord(`${file}.old`)}`,
    })
  if (there.kind !== 'file') throw refused(`is a ${there.kind}, not a file`)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      await look.files.read(file, largest),
    )
  } catch (cause) {
    if (cause instanceof TypeError) throw refused('is not text')
    throw cause
  }
}

/** Appends a line with the bare name: an absolute path is useless on another machine. */
export function withChecksum(text: string | null, name: string, sha256: string): string {
  const before = text ?? ''
  const gap = before === '' || before.endsWith('\n') ? '' : '\n'
  return `${before}${gap}${sha256}  ${name}\n`
}

/** Removes the lines for these files, whatever folder the lines give; every other byte stays. */
export function withoutChecksums(text: string, names: readonly string[]): string {
  return text
    .split(/(?<=\n)/)
    .filter((line) => !names.some((name) => namesFile(line, name)))
    .join('')
}

/** Which of these files the text has a line for. */
export function listedIn(text: string | null, names: readonly string[]): readonly string[] {
  const lines = (text ?? '').split('\n')
  return names.filter((name) => lines.some((line) => namesFile(line, name)))
}

function namesFile(line: string, name: string): boolean {
  const [checksum] = checksumList(line)
  return checksum !== undefined && checksum.name !== '' && lastOf(checksum.name) === name
}
