import { cannot, type Look } from '../../../src/index.ts'

/** In bytes. Pointers and locks are small, and so is a history of years. */
const largest = 4 * 1024 * 1024

/**
 * The text of a file; null where there is none.
 * @throws RunbookError `failed` for a file that is not UTF-8 text
 */
export async function textOrNull(look: Pick<Look, 'files'>, path: string): Promise<string | null> {
  if ((await look.files.stat(path)) === null) return null
  const body = await look.files.read(path, largest)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw cannot('read', path, 'not UTF-8 text', { code: 'failed', hint: `check: file ${path}` })
  }
}

/** The commit of a checkout, as 12 digits; null where the folder is not a checkout. */
export async function headOf(look: Pick<Look, 'files'>, checkout: string): Promise<string | null> {
  const head = (await textOrNull(look, `${checkout}/.git/HEAD`))?.trim() ?? ''
  const ref = /^ref: (refs\/[\w./-]+)$/.exec(head)?.[1]
  const loose = ref === undefined ? head : (await textOrNull(look, `${checkout}/.git/${ref}`))?.trim()
  const packed =
    loose ??
    (await textOrNull(look, `${checkout}/.git/packed-refs`))
      ?.split('\n')
      .find((line) => line.endsWith(` ${ref}`))
      ?.split(' ')[0]
  return packed !== undefined && /^[0-9a-f]{40}/.test(packed) ? packed.slice(0, 12) : null
}
