import { section } from './parts/section.ts'
import { text } from './parts/values.ts'

/** The Markdown file to which each run adds one line. */
export type Checklist = { readonly file: string }

export const checklist = section({
  about: 'A Markdown file that gets one line for each run, such as the list of monthly restore tests.',
  schema: text,
  example: 'docs/restore-checklist.md',
  resolve: (file, { path }): Checklist => ({ file: path(file) }),
})
