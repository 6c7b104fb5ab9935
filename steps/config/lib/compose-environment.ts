import { composeLookup, type EnvLookup, type Look, type Stack } from '../../../src/index.ts'
import { maxBytes } from '../../files/lib/file-store.ts'

/**
 * What Compose knows when it reads the env file of a service. Without env files of the stack, Compose takes
 * `.env` in the stack's folder. Null for processes, of whose environment nothing is known.
 */
export async function composeEnvironment(look: Pick<Look, 'files'>, stack: Stack): Promise<EnvLookup | null> {
  if (stack.kind !== 'compose') return null
  const standard = `${stack.directory}/.env`
  const isThere = (await look.files.stat(standard))?.kind === 'file'
  const files = stack.envFiles.length > 0 ? stack.envFiles : isThere ? [standard] : []
  return composeLookup(
    stack.environment,
    await Promise.all(files.map((file) => look.files.read(file, maxBytes))),
  )
}
