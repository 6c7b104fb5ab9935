import type { Json } from '../kernel/json.ts'

/**
 * Replaces each `{word}` in the strings of a JSON value, but not in its keys; an unknown `{word}` stays.
 * Pure.
 */
export function filledIn(body: Json, words: { readonly [word: string]: string }): Json {
  if (typeof body === 'string')
    return body.replaceAll(/\{(\w+)\}/g, (match, word: string) => words[word] ?? match)
  if (Array.isArray(body)) return body.map((part: Json) => filledIn(part, words))
  if (typeof body !== 'object' || body === null) return body
  return Object.fromEntries(Object.entries(body).map(([key, part]) => [key, filledIn(part, words)]))
}
