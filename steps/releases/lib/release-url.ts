import { cannot, canonical, RunbookError, type Json } from '../../../src/index.ts'

/**
 * Sets `release_url` in a lock file and keeps every other byte; a missing key is added after the last one.
 * @throws RunbookError `verification` for text that is not a JSON object, or where another value would change
 */
export function withReleaseUrl(text: string, url: string): string {
  const before = parsed(text)
  const members = membersOf(text)
  const [there] = members.filter(({ key }) => key === '"release_url"')
  const value = JSON.stringify(url)
  const brace = text.indexOf('{') + 1
  const [first, last] = [members[0], members.at(-1)]
  const gap = first === undefined ? '' : `,${text.slice(brace, first.at)}`
  const [from, to, inserted] =
    there === undefined
      ? [last?.to ?? brace, last?.to ?? brace, `${gap}"release_url": ${value}`]
      : [there.from, there.to, value]
  const after = text.slice(0, from) + inserted + text.slice(to)
  if (canonical(parsed(after)) !== canonical({ ...before, release_url: url }))
    throw cannot('write', 'the address of the release into the lock file', 'other values would change', {
      code: 'verification',
      hint: 'check that release_url occurs only once in it',
    })
  return after
}

function parsed(text: string): { readonly [key: string]: Json } {
  try {
    const json = JSON.parse(text) as Json
    if (typeof json === 'object' && json !== null && !Array.isArray(json))
      return json as { readonly [key: string]: Json }
  } catch {
    // Reported below.
  }
  throw new RunbookError('verification', 'the lock file is not a JSON object', {
    hint: 'use the lock file created with the bundle, or create both again',
  })
}

type Member = { readonly key: string; readonly at: number; /** Of its value. */ from: number; to: number }

/** The members of the outermost object with their offsets. The text must be valid JSON. */
function membersOf(text: string): readonly Member[] {
  const members: Member[] = []
  let depth = 0
  let open: Member | null = null
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g)) {
    if (token === '}' || token === ']') depth -= 1
    if (depth === 1 && token === ',') open = null
    else if (depth === 1 && open === null) members.push((open = { key: token, at: index, from: 0, to: 0 }))
    else if (depth === 1 && open !== null && token !== ':') {
      open.from ||= index
      open.to = index + token.length
    }
    if (token === '{' || token === '[') depth += 1
  }
  return members
}
