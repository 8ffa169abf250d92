import { describeLogContract } from '../../contracts/log.ts';
import { embeddedPlace } from './place.ts';

describeLogContract('embedded', {
  compactsOnDemand: true,
  oneConsumerAGroup: true,
  limitsBytes: true,
  numbersWithoutGaps: true,
  create: embeddedPlace,
});
