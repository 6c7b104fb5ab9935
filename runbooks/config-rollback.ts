import { maybe, param, runbook } from '../src/index.ts'
import { confirmVariables } from '../steps/config/confirm-variables.ts'
import { earlierVersion } from '../steps/config/earlier-version.ts'
import { replaceConfig } from '../steps/config/replace-config.ts'
import { bringUp } from '../steps/deployment/bring-up.ts'
import { checkHealth } from '../steps/http/check-health.ts'
import { approval } from '../steps/people/approval.ts'
import { logResult } from '../steps/records/log-result.ts'

export default runbook(
  'config-rollback',
  {
    title: 'Configuration rollback',
    when: 'A configuration change broke the service: a model does not load, external connections fail, permission errors appear.',
    needs: ['configuration', 'health'],
    remedy: {},
    params: {
      revision: param.text('Restore the env file from git at this revision').default('HEAD~1'),
      copy: param.path('Restore this copy of the env file instead').optional('git, at --revision'),
    },
  },
  ({ params, target, step, lastly }) => {
    const { file, services, confirm } = target.configuration

    const version = step(
      'Find the earlier version of the env file',
      earlierVersion({ file, revision: params.revision, copy: params.copy, services }),
      { id: 'find-the-version-to-go-back-to' },
    )
    step(
      'Ask the operator',
      approval({
        phrase: `roll back the configuration of ${target.name}`,
        acceptsEnvironment: true,
        showing: { file, from: version.from, differences: version.differences },
      }),
      { id: 'ask-the-operator' },
    )
    const edited = step('Replace the env file (keep a copy)', replaceConfig({ file, version, services }), {
      id: 'put-that-version-in-place-and-keep-the-present-one',
    })
    step('Bring up the services', bringUp({ proof: 'environment', services, choice: edited }), {
      id: 'restart-the-services-with-it',
    })
    step('Check the container variables', confirmVariables({ services, file, names: confirm }), {
      id: 'see-that-the-variables-are-loaded',
    })
    step('Check health', checkHealth({ checks: target.health }), { id: 'check-health' })

    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(version.from) }),
      { id: 'log-the-result' },
    )
  },
)
