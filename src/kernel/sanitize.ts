/**
 * Makes foreign text harmless on a terminal: control characters (C0 and C1), bidi and invisible characters,
 * line separators and lone surrogates are escaped (`\u001b`). Newlines and tabs stay; use `oneLine` to escape
 * them too. The ranges are explicit, not Unicode properties: every later version must show a text in the same
 * way.
 */
export function sanitize(text: string): string {
  return text.replace(invisible, shown)
}

const invisible =
  // oxlint-disable-next-line no-control-regex
  /[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}\p{Surrogate}]/gu

export function oneLine(text: string): string {
  return sanitize(text).replace(/[\n\t]/g, (found) => (found === '\n' ? '\\n' : '\\t'))
}

function shown(found: string): string {
  const code = found.codePointAt(0) ?? 0
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`
}
