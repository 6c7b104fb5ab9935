import { composeLine, say, type Look } from '../../../src/index.ts'
import { groupsOf, movedNames, type BringUp } from './bring-up-input.ts'

/**
 * Services that have a container and are declared with an image name that is moved, though they are not brought up with
 * the others: they keep running the image that the name had, which is said, since the rest of the stack goes back.
 */
export async function noteSharedNames(look: Look, input: BringUp): Promise<void> {
  const moved = [...new Set(movedNames(input).map(({ name }) => name))]
  if (moved.length === 0) return
  const groups = groupsOf(input)
  const stacks = new Map(groups.map(({ stack }) => [stack.project, stack]))
  for (const [project, stack] of stacks) {
    if (stack.kind !== 'compose') continue
    const own = groups.filter((one) => one.stack.project === project).flatMap(({ names }) => names)
    const { services } = await look.services.facts(stack)
    const others = services.filter((name) => !own.includes(name))
    if (others.length === 0) continue
    const declared = await look.services.declared({ stack, names: others })
    const sharing = declared.filter(({ image }) => image !== null && moved.includes(image))
    if (sharing.length === 0) continue
    const states = await look.services.states({ stack, names: sharing.map(({ service }) => service) })
    for (const { service, state } of states)
      if (state !== 'missing')
        look.note(
          say`warning: ${service} is declared with ${moved} too, is not brought up here, and keeps its present image; to recreate it afterwards: ` +
            composeLine(stack, `up --detach --no-build ${service}`),
        )
  }
}
