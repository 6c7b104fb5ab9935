import { maybe, param, runbook, sectionsOf } from '../src/index.ts'
import { inspectBackups } from '../steps/diagnose/inspect-backups.ts'
import { inspectDatabase } from '../steps/diagnose/inspect-database.ts'
import { inspectHealth } from '../steps/diagnose/inspect-health.ts'
import { inspectHost } from '../steps/diagnose/inspect-host.ts'
import { inspectPorts } from '../steps/diagnose/inspect-ports.ts'
import { inspectServices } from '../steps/diagnose/inspect-services.ts'
import { inspectVolumes } from '../steps/diagnose/inspect-volumes.ts'
import { symptoms } from '../steps/diagnose/lib/known-issues.ts'
import { reportFindings } from '../steps/diagnose/report-findings.ts'

export default runbook(
  'diagnose',
  {
    title: 'Diagnose (read-only)',
    when: 'Something is wrong and the cause is unclear: inspects everything, changes nothing, and names the runbook to run next.',
    needs: [],
    params: {
      symptom: param
        .choice('What is wrong; everything is inspected, but only this symptom is reported', symptoms)
        .default('any'),
    },
  },
  ({ params, target, step, parallel, lastly }) => {
    const {
      stack,
      writers,
      health,
      database,
      volumeDatabase,
      documents,
      configuration,
      backups,
      bundle,
      data,
      operators,
    } = target
    const places = [backups, bundle?.place, data?.place, documents?.backups].flatMap((place) => place ?? [])

    const needed = [
      ...(volumeDatabase === undefined
        ? []
        : [
            {
              at: {
                inside: { stack: volumeDatabase.at.stack, service: volumeDatabase.at.service },
                path: volumeDatabase.at.path,
              },
              kind: 'file',
              ownership: volumeDatabase.ownership,
            } as const,
          ]),
      ...(documents === undefined ? [] : [{ at: documents.at, kind: 'directory', ownership: null } as const]),
    ]
    const [service] = configuration?.services.names ?? []
    const settings =
      configuration === undefined || service === undefined
        ? null
        : { file: configuration.file, stack: configuration.services.stack, service }

    // Targets differ in their sections: only existing parts are inspected.
    const looks = parallel('Inspect everything', () => [
      ...(stack === undefined
        ? []
        : [
            step('Inspect the services', inspectServices({ stack, needed: writers?.names ?? [] }), {
              id: 'look-at-the-services',
            }),
          ]),
      ...(health === undefined
        ? []
        : [step('Inspect health', inspectHealth({ checks: health }), { id: 'look-at-health' })]),
      ...(stack === undefined || health === undefined
        ? []
        : [
            step('Inspect port owners', inspectPorts({ stack, checks: health }), {
              id: 'look-who-holds-the-ports',
            }),
          ]),
      ...(stack?.kind !== 'compose' || (needed.length === 0 && settings === null)
        ? []
        : [
            step('Inspect the volumes', inspectVolumes({ needed, settings }), {
              id: 'look-into-the-volumes',
            }),
          ]),
      ...(database === undefined
        ? []
        : [
            step('Inspect the database', inspectDatabase({ database, assertions: target.assertions ?? [] }), {
              id: 'look-at-the-database',
            }),
          ]),
      ...(places.length === 0
        ? []
        : [
            step(
              'Inspect the backups',
              inspectBackups({
                places,
                data: data ?? null,
                dumps:
                  database === undefined || backups === undefined
                    ? null
                    : { engine: database.engine, from: backups, name: database.name },
              }),
              {
                id: 'look-at-the-backups',
              },
            ),
          ]),
      step(
        'Inspect this machine',
        inspectHost({
          encrypted: places.some(({ pattern }) => pattern.endsWith('.gpg')),
          passphrase: data?.passphrase ?? null,
          envFiles: [
            ...(stack?.kind === 'compose' ? stack.envFiles : []),
            ...(configuration === undefined ? [] : [configuration.file]),
          ],
          stackFiles: stack?.kind === 'compose' ? stack.files : [],
        }),
        { id: 'look-at-this-machine' },
      ),
    ])

    // Names only, so that it does not count as a reader of every section; sorted, so that the order in which
    // sections are defined does not change the plan. Those with a default count: runbooks that need them fit.
    const sections = sectionsOf(target).toSorted()
    // Even if one inspection failed, the others are reported.
    lastly(
      'Report findings',
      reportFindings({
        symptom: params.symptom,
        target: target.name,
        sections,
        seen: looks.map(({ sights }) => maybe(sights)),
        operators: operators ?? null,
      }),
      { id: 'tell-what-was-seen' },
    )
  },
)
