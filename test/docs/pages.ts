import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** A document, by its path from the root of the repository. */
export type Page = { readonly file: string; readonly text: string }

export const page = (file: string): Page => ({ file, text: readFileSync(join(root, file), 'utf8') })

/** Every document that people read. */
export const pages: readonly Page[] = globSync(['*.md', 'docs/*.md'], { cwd: root }).sort().map(page)

/** Code blocks of a language, as they are printed. */
export const blocks = ({ text }: Page, language: string): readonly string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, code = '']) => code)

/** The text without its code blocks, in which a # is no heading and a bracket no link. */
export const prose = ({ text }: Page): string => text.replaceAll(/^```[^]*?^```$/gm, '')

/** Rows of the first table below a heading: its cells, without the row of names and the line under it. */
export function table({ text }: Page, heading: string): readonly (readonly string[])[] {
  const section = text.split(new RegExp(`^#+ ${heading}$`, 'm'))[1]?.split(/^#+ /m)[0] ?? ''
  const rows = /(?:^\|.*\n)+/m.exec(section)?.[0].trimEnd().split('\n') ?? []
  return rows.slice(2).map((row) =>
    row
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  )
}

/** The anchors that GitHub gives to the headings of a page: the second of one name gets -1, and so on. */
export function anchors(of: Page): ReadonlySet<string> {
  const seen = new Map<string, number>()
  return new Set(
    [...prose(of).matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, heading = '']) => {
      const plain = heading
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-')
      const before = seen.get(plain) ?? 0
      seen.set(plain, before + 1)
      return before === 0 ? plain : `${plain}-${before}`
    }),
  )
}
