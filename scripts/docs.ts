import { writeFile } from 'node:fs/promises'
import { configHelp } from '../src/cli/commands/help-config.ts'
import { configInput } from './config-input.ts'

/** Writes what follows from the schemas: the reference of the configuration, and the types that editors show. */
const written = {
  '../docs/configuration.md': await configHelp(undefined, 'markdown'),
  '../src/config/input.ts': configInput(),
}
for (const [path, text] of Object.entries(written)) await writeFile(new URL(path, import.meta.url), text)
