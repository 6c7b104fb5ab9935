/**
 * Makes foreign text harmless on a terminal: control characters (of both sets) and those that turn the direction of writing are
 * shown as `\u001b` is. Line breaks and tabs stay; what must be one line goes through `line`.
 */
export function plain(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|\p{Bidi_Control}|\ufeff/gu, shown)
}

export function line(text: string): string {
  return plain(text).replace(/[\n\t\u2028\u2029]/gu, (found) => (found === '\n' ? '\\n' : found === '\t' ? '\\t' : shown(found)))
}

const shown = (found: string): string => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`
