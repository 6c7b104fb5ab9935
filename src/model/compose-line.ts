import { dirname } from 'node:path'
import type { ComposeStack } from '../drivers/services.ts'
import { shellWord } from '../kernel/shell-quote.ts'

/** `docker compose` on a stack as a person types it, from any folder. */
export const composeLine = (
  { project, directory, files, envFiles, profiles }: ComposeStack,
  words: string,
): string =>
  [
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
