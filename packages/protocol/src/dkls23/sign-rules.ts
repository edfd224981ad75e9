import { equal } from '../bytes.ts';
import type { Party } from '../protocol.ts';
import { type Rule, said } from '../session/court.ts';
import type { Envelope } from '../session/envelope.ts';
import type { Multiplication } from './products.ts';
import { commitTo, type SessionParameters, sessionId } from './sign-context.ts';
import { type Commitment, preparationFormats } from './sign-messages.ts';

/**
 * What proves `two-nonces`, a nonce to all and another one to somebody; and `wrong-opening`, the commitment to all and an R that
 * it is not to. Checks that depend on a secret have no evidence: they end in bans (§8).
 */
export function ecdsaRules(
  parameters: SessionParameters & { readonly multiplication: Pick<Multiplication, 'id' | 'offers' | 'answers'> },
): Readonly<Record<'two-nonces' | 'wrong-opening', Rule>> {
  const { group } = parameters;
  const { offers, answers } = preparationFormats(group, parameters.multiplication);
  const session = sessionId(parameters);
  const committed = (exhibit: Envelope | undefined, accused: Party): Commitment | undefined =>
    said(offers.broadcast, exhibit, { from: accused, round: 0, class: 'broadcast' });
  return {
    'two-nonces': ([first, second], _opening, accused) => {
      const toAll = committed(first, accused);
      const toOne = said(offers.direct, second, { from: accused, round: 0, class: 'direct' });
      return toAll !== undefined && toOne !== undefined && !equal(toAll.nonce, toOne.nonce);
    },
    'wrong-opening': ([first, second], _opening, accused) => {
      const toAll = committed(first, accused);
      const toOne = said(answers.direct, second, { from: accused, round: 1, class: 'direct' });
      if (toAll === undefined || toOne === undefined) return false;
      return !equal(commitTo(group, session, accused, toOne), toAll.commitment);
    },
  };
}
