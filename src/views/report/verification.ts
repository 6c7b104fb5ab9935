import type { RunRecord } from '../../run/record/record.ts'
import { code, paragraph, verbatim, type Block } from '../document.ts'

/** Commands for a reviewer; the last two need only stock tools. */
export function verification({ journal, run }: RunRecord): readonly Block[] {
  return [
    paragraph(
      'With this program, offline; ',
      code('allowed_signers'),
      ' is your own list of trusted keys, not a file from the evidence folder:',
    ),
    verbatim('runbook evidence verify . --keys allowed_signers', 'sh'),
    paragraph('With stock tools:'),
    verbatim(
      'sha256sum --check --strict SHA256SUMS\n' +
        'ssh-keygen -Y verify -f allowed_signers -I runbook -n runbook-evidence -s statement.json.sig < statement.json',
      'sh',
    ),
    paragraph(
      'The journal of ',
      code(run),
      ` had ${journal.count} entries when this report was written; the hash of the last one is `,
      code(journal.hash),
      '. A copy of that hash kept elsewhere also shows whether complete runs were removed.',
    ),
  ]
}
