//! The words that names of instances are made of: 256 of each kind, short and harmless.
//! Their order must never change, or instances would change their names.

/// The first half of a name.
pub(crate) const ADJECTIVES: &str = "
    able acid agile alert amber ample ancient apt arctic ardent arid ashen astral atomic autumn avid
    azure balmy basic blazing blithe blond bold bonny boreal brave breezy brief bright brisk bronze bubbly
    calm candid canny casual celtic central cheery chief chilly chrome civic civil classic clean clear clever
    coastal cobalt cool copper coral cordial cosmic cosy crafty creamy crimson crisp cubic curly curious cyan
    dandy dapper daring dashing dawning deep deft dense dewy digital direct distant docile dotted downy dreamy
    dusky dusty eager early earnest earthy eastern easy ebony elder elfin elite ember eminent epic equal
    even exact exotic fabled fair faithful famous fancy fast fearless fervent festive fiery fine firm fit
    fleet floral fluffy flying fond frank free fresh friendly frosty frugal funny gallant gentle genuine giant
    gifted giddy gilded glad gleaming glossy glowing golden good graceful grand granite grateful great green grey
    handy happy hardy hasty hazel hazy hearty helpful hidden high honest humble hushed icy ideal indigo
    inland inner ivory jade jaunty jazzy jolly jovial joyful jubilant keen kind kindly known lasting lavish
    leafy lean level light lilac limber linen lively lofty loud loyal lucid lucky lunar lush magic
    major maple marble marine mellow merry mighty mild minty misty modern modest mossy native navy neat
    nimble noble northern novel oaken olive opal open orange patient pearly plain plucky polar polite prime
    proud pure quick quiet rapid ready regal robust rosy royal ruby rustic sandy scarlet serene sharp
    silent silver sleek smooth snowy solar solid sonic steady sunny swift tidal tidy velvet vivid wise
";

/// The second half of a name.
pub(crate) const NOUNS: &str = "
    acorn alder alpaca anchor antler apple arrow aspen aster atlas aurora badger bamboo banjo barley basil
    bay beacon beaver bee beech bell birch bison bluff bobcat bongo bonsai boulder branch breeze bridge
    brook buffalo bugle cabin cactus canary canoe canyon caribou castle cavern cedar cello cheetah cherry cicada
    cliff clover cobra comet compass condor cougar cove coyote crane crater creek cricket crocus crow crystal
    cypress daisy dale delta desert dingo dolphin dove dragon drum dune eagle echo egret elk elm
    falcon fern ferret fiddle field finch fir fjord flame flint flute forest fossil fountain fox frog
    galaxy garden gazelle gecko geyser ginger glacier glade goose gorge granary grove gull guitar harbor hare
    harp hawk hazelnut heath hedgehog heron hickory hill hollow honey horizon hornet horse husky ibex ibis
    iguana inlet iris island ivy jackal jaguar jasmine jay juniper kelp kestrel kettle kite kiwi koala
    lagoon lake lantern larch lark laurel lemon lemur leopard lily lion lizard llama lobster lotus lynx
    magnet magpie mango mantis marmot marsh marten meadow melon meteor mint mole moon moose moth mountain
    mule narwhal nebula nectar newt oak oasis oboe ocean ocelot onyx orca orchid oriole osprey otter
    owl oyster paddle palm panda panther papaya parrot peach pebble pelican penguin pepper petal piano pigeon
    pine planet plover plum pony poplar poppy prairie puffin puma quail quartz rabbit raccoon rain raven
    reed reef ridge river robin rocket sage salmon seal shark sloth sparrow spruce squid star stork
    summit swan tiger toucan trail trout tulip turtle valley violet walnut whale willow wolf wombat zebra
";
