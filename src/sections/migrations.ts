import type { MigrationTool } from '../drivers/migrations.ts'
import { section } from './parts/section.ts'
import { strict, text, words } from './parts/values.ts'

/**
 * The migration tool, and the readiness field that says whether the database matches the application's
 * migrations.
 */
export type Migrating = { readonly tool: MigrationTool; readonly readyField: string }

export const migrations = section({
  about: "The application's migrations, made by Alembic, so that a downgrade can be planned and proven.",
  schema: strict({
    service: text.describe(
      'Service whose one-off containers run the tool; they have its environment and network.',
    ),
    command: words.default(['alembic']).describe('The tool with its global options.'),
    readyField: text
      .default('migrations_current')
      .describe(
        "Field of the readiness response that says whether the database matches the application's migrations.",
      ),
  }),
  example: { service: 'api' },
  resolve: ({ service, command, readyField }, { stack }): Migrating => ({
    tool: { stack: stack(), service, image: null, command, copy: null },
    readyField,
  }),
})
