import { fakePeople } from '../../src/testing/people.ts'
import { peopleContract } from './people.contract.ts'

peopleContract('in memory', async (scene) =>
  fakePeople(
    {
      name: 'kim',
      atTerminal: scene.atTerminal ?? false,
      types: [...(scene.types ?? [])],
      confirm: scene.confirm ?? null,
      yes: scene.yes ?? false,
      answers: scene.answers ?? {},
      restoreConfirm: scene.restoreConfirm ?? null,
    },
    () => new Date('2026-02-03T04:12:33Z'),
  ),
)
