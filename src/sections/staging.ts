import { section } from './parts/section.ts'
import { text } from './parts/values.ts'

export const staging = section({
  about:
    'Folder in which archives and bundles, and compressed SQLite backups, are unpacked and removed again. It must have room for the largest of them.',
  schema: text,
  example: './staging',
  resolve: (folder, { path }): string => path(folder),
})
