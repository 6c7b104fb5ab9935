import type { MigrationTool } from '../drivers/migrations.ts'
import { section } from './parts/section.ts'
import { strict, text, words } from './parts/values.ts'

/** The tool, and the field of the readiness answer by which the application says that the database's migrations are its own. */
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
        "Field of the readiness answer that says whether the application's migrations are the database's.",
      ),
  }),
  example: { service: 'api' },
  resolve: ({ service, command, readyField }, { stack }): Migrating => ({
    tool: { stack: stack(), service, image: null, command, copy: null },
    readyField,
  }),
})
