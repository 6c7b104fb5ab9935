import type { Step } from '../procedure.ts'
import { settingOf } from '../configured.ts'
import { into, shows, type Recogniser } from '../recogniser.ts'

const compose =
  (...verbs: readonly string[]) =>
  (step: Step): boolean =>
    verbs.includes(step.compose?.verb ?? '')
const docker =
  (...verbs: readonly string[]) =>
  (step: Step): boolean =>
    verbs.includes(step.docker?.verb ?? '')
const oneOff = /test|smoke|check|verify|e2e/i
/** Names that say that a container is there for a while only. */
const throwaway = /test|tmp|temp|check|verify|drill|restore/i
const server = /(^|\/)(postgres|postgis)(:|@|$)/

/** A Compose file in an editor, or its image line in sed. */
const editsImage = ({ main }: Step): boolean =>
  (['nano', 'vi', 'vim'].includes(main.program) &&
    main.args.some((arg) => /compose[^/]*\.ya?ml$/.test(arg))) ||
  (main.program === 'sed' && main.args.some((arg) => /image:/.test(arg)))

export const services: readonly Recogniser[] = [
  into('setImage', editsImage),
  into('setVariable', (step) => settingOf(step) !== null),
  into(
    'runOneOff',
    (step) => compose('up')(step) && (step.compose?.services.some((name) => oneOff.test(name)) ?? false),
  ),
  into(
    'runOneOff',
    ({ compose: call }) =>
      call?.verb === 'run' && [...call.services, ...call.argv].some((name) => oneOff.test(name)),
  ),
  into('bringUp', compose('up')),
  into('startServices', compose('start')),
  into('startServices', docker('start')),
  into('stopServices', compose('stop', 'down')),
  into('stopServices', docker('stop')),
  into('startServices', (step) => compose('restart')(step) || docker('restart')(step)),
  into('fetchImage', (step) => compose('pull')(step) || docker('pull')(step)),
  into('loadImages', docker('load')),
  into('saveImages', docker('save')),
  into('tagImages', docker('tag')),
  into(
    'startThrowaway',
    (step) => docker('run')(step) && (step.docker?.operands.some((image) => server.test(image)) ?? false),
  ),
  into(
    'dropThrowaway',
    (step) => docker('rm')(step) && (step.docker?.operands.every((name) => throwaway.test(name)) ?? false),
  ),
  into('scanLogs', (step) => compose('logs')(step) || docker('logs')(step)),
  shows('services and images', compose('ps', 'images', 'config', 'top', 'ls', 'version')),
  shows(
    'volumes and networks',
    (step) => docker('volume', 'network')(step) && ['ls', 'inspect'].includes(step.docker?.operands[0] ?? ''),
  ),
  shows(
    'containers, images and volumes',
    docker('ps', 'images', 'inspect', 'stats', 'version', 'info', 'top', 'port', 'history'),
  ),
  into(
    'restartDocker',
    ({ main }) => main.program === 'systemctl' && main.args.join(' ') === 'restart docker',
  ),
  shows(
    'the state of a service',
    ({ main }) =>
      main.program === 'systemctl' && ['status', 'is-active', 'show'].includes(main.args[0] ?? ''),
  ),
  shows('a log', ({ main }) => main.program === 'journalctl'),
  into('awaitHealthy', ({ main }) => main.program === 'sleep' || main.program === 'pg_isready'),
]
