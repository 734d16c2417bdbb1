from glaciercli.files.descriptor import Descriptor


def test_a_descriptor_that_a_signal_kept_from_its_number_closes_nothing():
    Descriptor.__new__(Descriptor).__del__()
