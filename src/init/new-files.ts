/** A file to write, by its path below the folder of the configuration. */
export type NewFile = { readonly path: string; readonly text: string }

/** What the files of a new runbook or step refer to. */
export type NewNames = {
  /** Lowercase letters, digits and single hyphens. */
  readonly name: string
  /** Where the team's runbooks are. */
  readonly runbooks: string
  /** The configuration, as its tests import it. */
  readonly config: string
  readonly target: string
}

/** A runbook that asks one person, and its test. */
export function newRunbook({ name, runbooks, config, target }: NewNames): readonly NewFile[] {
  return [
    {
      path: `${runbooks}/${name}.ts`,
      text: `${imports(`import { runbook } from 'runbook'`, `import { duty } from 'runbook/steps'`)}

export default runbook(
  '${name}',
  {
    title: '${titleOf(name)}',
    when: 'Say here, for somebody who has to choose at night, when this helps.',
  },
  ({ step }) => {
    // The steps of \`runbook/steps\` are listed in docs/steps.md of the package; \`runbook new step NAME\` writes one of your own.
    step('Tell the team', duty({ name: 'tell-the-team', what: 'Tell the team that it begins' }), {
      // Without it a person has eight hours, and any other step one.
      timeoutSeconds: 1800,
    })
  },
)
`,
    },
    {
      path: `test/${name}.test.ts`,
      text: `${imports(
        `import { everyMoment, fakeMachine, fakeWorld, nobody, targetOf, type FakeMachine } from 'runbook/testing'`,
        `import { expect, test } from 'vitest'`,
        `import config from '../${config}'`,
        `import book from '../${runbooks}/${name}.ts'`,
      )}

const target = targetOf(config, '${target}')

/** On a fresh world, as the runbook finds it. */
function machine(): FakeMachine {
  // Its clock begins at 2026-02-03T05:00:00Z; \`clock: fakeClock(new Date(…))\` begins elsewhere.
  const world = fakeWorld({ person: { ...nobody, answers: { 'tell-the-team': 'told in the channel' } } })
  return fakeMachine(world, { book, target })
}

// A runbook with a restore needs a dump and a \`compare\`: docs/writing-runbooks.md of the package has such a test.
test('succeeds', async () => {
  expect(await machine().run()).toMatchObject({ outcome: 'succeeded' })
})

test('is safe at every moment', async () => {
  await everyMoment(machine)
}, 60_000)
`,
    },
  ]
}

/** A step that writes a line to a file and takes it back, and its test. */
export function newStep({ name, config, target }: NewNames): readonly NewFile[] {
  const step = camelCase(name)
  return [
    {
      path: `steps/${name}.ts`,
      text: `${imports(`import { defineStep, say, type Look } from 'runbook'`)}

type Input = { readonly file: string; readonly text: string }

/** Says what it does: this one writes a text to a file, as an example. */
export const ${step} = defineStep<Input>()({
  // Recorded in journals: neither rename it nor change what it means.
  kind: 'team.${name}',
  version: 1,
  effect: 'change',
  // It starts nothing that could outlive the program.
  leaves: [],
  describe: ({ file }) => say\`Writes \${file}.\`,
  // What undo may rely on: it is on disk before run begins.
  survey: async (look, { file }) => ({ text: await textOf(look, file) }),
  predict: ({ input: { file } }) => ({ output: null, changes: [say\`\${file} has the new text\`] }),
  run: async (io, { input: { file, text } }) => {
    await io.files.write(file, text)
    return { file }
  },
  // Looks, never guesses: it finds what is done already, verifies a run, and settles what a crash left open.
  probe: async (look, { input: { file, text }, before, way }) => {
    const now = await textOf(look, file)
    if (way === 'back' && now === before.text) return { is: 'absent' }
    if (now === text) return { is: 'done', output: { file } }
    if (now === before.text) return { is: 'absent' }
    return { is: 'torn', why: \`\${file} has neither the old text nor the new one\` }
  },
  undo: (io, { input: { file }, before }) =>
    before.text === null ? io.files.removeTree(file) : io.files.write(file, before.text),
})

async function textOf(look: Look, file: string): Promise<string | null> {
  if ((await look.files.stat(file)) === null) return null
  return Buffer.from(await look.files.read(file, 64 * 1024)).toString('utf8')
}
`,
    },
    {
      path: `test/${name}.test.ts`,
      text: `${imports(
        `import { runbook } from 'runbook'`,
        `import { emptyDisk, everyMoment, fakeMachine, fakeWorld, lay, targetOf, type FakeMachine } from 'runbook/testing'`,
        `import { expect, test } from 'vitest'`,
        `import config from '../${config}'`,
        `import { ${step} } from '../steps/${name}.ts'`,
      )}

const file = '/srv/example'
const target = targetOf(config, '${target}')
const book = runbook('try-${name}', { title: 'Try it', when: 'A test.' }, ({ step }) => {
  // Without a limit a step may take one hour.
  step('Write', ${step}({ file, text: 'new' }), { timeoutSeconds: 60 })
})

/** On a fresh world, as the step finds it. */
function machine(): FakeMachine {
  const disk = emptyDisk()
  lay(disk, file, 'old')
  return fakeMachine(fakeWorld({ disk }), { book, target })
}

test('writes the text', async () => {
  const { world, run } = machine()
  expect(await run()).toMatchObject({ outcome: 'succeeded' })
  expect(Buffer.from(world.disk.files.get(file) ?? []).toString()).toBe('new')
})

test('leaves the old text where it fails', async () => {
  const { world, run } = machine()
  const before = world.state()
  world.faults.order('files.write done', 'fail')
  expect(await run()).toMatchObject({ outcome: 'rolled-back' })
  expect(world.state()).toEqual(before)
})

test('is safe at every moment', async () => {
  await everyMoment(machine)
}, 60_000)
`,
    },
  ]
}

const imports = (...lines: readonly string[]): string => lines.join('\n')

const titleOf = (name: string): string =>
  `${name[0]?.toUpperCase() ?? ''}${name.slice(1).replaceAll('-', ' ')}`

const camelCase = (name: string): string =>
  name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
