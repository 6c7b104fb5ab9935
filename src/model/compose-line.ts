import { dirname } from 'node:path'
import type { ComposeStack } from '../drivers/services.ts'
import { shellWord } from '../kernel/shell-quote.ts'

/** Names whose values nobody wants in a message, which may go to a channel of many people. */
const credential = /pass|secret|token|key|credential/i

/** A variable before a command that a person types. */
export const typedVariable = (name: string, value: string): string =>
  credential.test(name) ? `${name}=‹as in runbook.config.ts›` : `${name}=${shellWord(value)}`

/** `docker compose` on a stack as a person types it, from any folder, with the variables that a run sets. */
export const composeLine = (
  { project, directory, files, envFiles, profiles, environment }: ComposeStack,
  words: string,
): string =>
  [
    ...Object.entries(environment).map(([name, value]) => typedVariable(name, value)),
    'docker compose',
    // Where only files are known, as while a configuration is proposed, Compose derives it.
    ...(project === '' ? [] : [`--project-name ${project}`]),
    ...(files[0] !== undefined && dirname(files[0]) === directory
      ? []
      : [`--project-directory ${shellWord(directory)}`]),
    ...files.map((file) => `--file ${shellWord(file)}`),
    ...envFiles.map((file) => `--env-file ${shellWord(file)}`),
    ...profiles.map((profile) => `--profile ${shellWord(profile)}`),
    words,
  ].join(' ')
