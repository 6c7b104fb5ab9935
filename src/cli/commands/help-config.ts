import { catalogue, exampleTarget } from '../../config/catalogue.ts'
import { refuseUnknown } from '../../kernel/did-you-mean.ts'
import type { Section } from '../../model/target.ts'
import { configMarkdown } from '../../views/config-markdown.ts'
import { configOverview, configTopic, type Readers } from '../../views/config-text.ts'
import type { Width } from '../../views/fit.ts'
import { readersOf } from '../readers.ts'
import { packagedBooks } from '../catalog.ts'

/**
 * What can be configured: everything, or one section with every setting; Markdown without a screen. Reads no configuration.
 * @throws RunbookError `usage` for an unknown section, with the closest name
 */
export async function configHelp(
  named: string | undefined,
  screen: { readonly width: Width } | null,
): Promise<string> {
  const topics = catalogue()
  const chosen = topics.filter(({ name }) => named === undefined || name === named)
  if (named !== undefined)
    refuseUnknown(
      'section',
      [named],
      topics.map(({ name }) => name),
      'the configuration',
    )
  if (screen === null) return configMarkdown(chosen, await readers())
  const [only] = chosen
  return named === undefined || only === undefined
    ? configOverview(topics, screen.width)
    : configTopic(only, (await readers()).get(only.name), screen.width)
}

async function readers(): Promise<ReadonlyMap<string, Readers>> {
  const target = exampleTarget({ directory: '/srv/shop', home: '/root', host: 'shop' })
  const names = catalogue().flatMap(({ name, place }) => (place === 'section' ? [name as Section] : []))
  return readersOf(await packagedBooks(), target, names)
}
