import { describeLogContract } from '../../contracts/log.ts';
import { describeWithService, kafkaBrokers } from '../../services/index.ts';
import { kafkaPlace } from './place.ts';

describeWithService('kafka', 'the log on Kafka', () => {
  describeLogContract('kafka', {
    compactsOnDemand: false,
    oneConsumerAGroup: false,
    limitsBytes: false,
    numbersWithoutGaps: false,
    create: async () => kafkaPlace(await kafkaBrokers()),
  });
});
